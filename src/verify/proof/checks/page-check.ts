import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../../errors.ts';
import { PAGE_BYTES } from '../../../postgres/page-checksum.ts';
import { parseRelationPath } from '../../../postgres/relation-file.ts';
import { runInWorkers } from '../../../worker-pool.ts';
import { errorFromMessage, startWorker } from '../../../worker-thread.ts';
import type { Finding } from '../../report.ts';
import { copyFinding, type Answer } from '../answer.ts';
import { touchedFiles } from '../touched-files.ts';
import type { PageAnswer, PageRequest } from './page-messages.ts';

/** Pages of one file of a relation: 1 GiB. */
const SEGMENT_PAGES = 1024 ** 3 / PAGE_BYTES;
/** A free space map is not logged, and mends itself when it is read: what is wrong in it harms nobody. */
const FREE_SPACE_MAP = 1;

export interface PageLook {
  readonly dataDirectory: string;
  readonly checksums: boolean;
  readonly workers: number;
  /** Leaves files out that nobody has touched since then, milliseconds since 1970; undefined for none. */
  readonly touchedSince?: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number) => void;
}

/** Reads every page of every relation of a copy whose server was stopped in good order: its header, and its checksum. */
export async function checkPages(look: PageLook): Promise<Answer> {
  const all = await relationFiles(look.dataDirectory);
  const files = [...(await touchedFiles(look.dataDirectory, all, look.touchedSince))];
  const findings: Finding[] = [];
  let [pages, bytes] = [0, 0];
  const workers = Array.from({ length: look.workers }, () => startWorker(import.meta.url, 'page-worker', {}));
  await runInWorkers(workers, requestsOf(files, look), {
    signal: look.signal,
    onAnswer: (message) => {
      const answer = message as PageAnswer;
      if (answer.kind === 'failed') throw errorFromMessage(answer.error);
      pages += answer.pages;
      bytes += answer.bytes;
      look.onProgress(bytes);
      findings.push(...findingsOf(files[answer.file] ?? '', answer));
    },
  });
  const what = look.checksums
    ? 'pages with their checksums'
    : 'pages, by their headers alone: the source has no checksums';
  const rest = all.length - files.length;
  const untouched = rest === 0 ? '' : `; ${rest} files were not touched since they were proven`;
  return { detail: `${pages} ${what}${untouched}`, findings, exceptions: [] };
}

function* requestsOf(
  files: readonly string[],
  { dataDirectory, checksums }: PageLook,
): Generator<PageRequest, void> {
  for (const [file, path] of files.entries()) {
    const firstBlock = (parseRelationPath(path)?.segment ?? 0) * SEGMENT_PAGES;
    yield { file, path: join(dataDirectory, path), firstBlock, checksums };
  }
}

function findingsOf(file: string, answer: Extract<PageAnswer, { kind: 'done' }>): Finding[] {
  const found = answer.problems.map(({ block, problem }) => {
    const what = problem === 'checksum' ? 'another checksum than its content' : 'a header that no page has';
    return copyFinding(`page ${block} of ${file} has ${what}`, file);
  });
  const more = answer.problemCount - found.length;
  return more === 0 ? found : [...found, copyFinding(`${more} more pages of ${file} are damaged`, file)];
}

/** Relative to the data directory. */
async function relationFiles(dataDirectory: string): Promise<string[]> {
  const directories = ['global'];
  for (const database of await names(join(dataDirectory, 'base'))) directories.push(`base/${database}`);
  for (const tablespace of await names(join(dataDirectory, 'pg_tblspc'))) {
    for (const version of await names(join(dataDirectory, 'pg_tblspc', tablespace))) {
      const place = `pg_tblspc/${tablespace}/${version}`;
      for (const database of await names(join(dataDirectory, place)))
        directories.push(`${place}/${database}`);
    }
  }
  const files: string[] = [];
  for (const directory of directories) {
    for (const name of await names(join(dataDirectory, directory))) {
      const relation = parseRelationPath(`${directory}/${name}`);
      if (relation !== undefined && relation.fork !== FREE_SPACE_MAP) files.push(`${directory}/${name}`);
    }
  }
  return files;
}

async function names(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
