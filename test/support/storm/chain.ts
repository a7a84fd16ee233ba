import { LarderError } from '../../../src/errors.ts';
import { majorOf } from '../../../src/postgres/version.ts';
import type { CommitRecord } from '../../../src/repository/commit-record.ts';
import type { BackupChanges, TestRepository } from '../backup-runner.ts';
import { backUp, verify } from '../backup-runner.ts';
import { fingerprintFindings } from '../fingerprint/compare-copy.ts';
import { checkCopy } from './check-copy.ts';
import type { Expectation } from './expectation.ts';
import { RestoredCopy } from './restored-copy.ts';
import type { Storm } from './storm.ts';

/** Steps of each hand between two backups; none, now and then, since nothing may have changed. */
const STEPS = [0, 10, 20, 40] as const;
/** Of a hundred backups, those during which nothing changes: every table can be compared then. */
const CALM = 35;

export interface Link {
  readonly backup: CommitRecord;
  /** Backups below it in its chain: 0 for the full one. */
  readonly depth: number;
  /** What was asked for. */
  readonly type: CommitRecord['type'];
  /** The link before it. */
  readonly parent: string | null;
  readonly how: 'calm' | 'stormy';
  readonly expectation: Expectation;
  /** Tablespaces that were made before the backup ended. */
  readonly spaces: readonly string[];
}

export interface ChainOptions {
  /** Links behind the full backup. */
  readonly depth: number;
  /** Of the links: full backups put the harness itself to the test. */
  readonly type: CommitRecord['type'];
}

/** A full backup and `depth` links behind it, with the storm between them and during most of them. */
export async function takeChain(
  storm: Storm,
  repository: TestRepository,
  options: ChainOptions,
): Promise<Link[]> {
  const links: Link[] = [];
  for (let depth = 0; depth <= options.depth; depth++) {
    await storm.rage(storm.random.pick(STEPS));
    const type = depth === 0 ? 'full' : options.type;
    const take = () => backUp(repository, storm.connection, ofType(type));
    const how = storm.random.chance(CALM) ? 'calm' : 'stormy';
    const { value: backup, expectation } = how === 'calm' ? await storm.calm(take) : await storm.during(take);
    const parent = type === 'full' ? null : links.at(-1)!.backup.id;
    links.push({ backup, depth, type, parent, how, expectation, spaces: storm.spaceNames });
  }
  return links;
}

/** What `backUp` is told. */
export function ofType(type: CommitRecord['type']): BackupChanges {
  return { leaseWait: 0, ...(type === 'full' ? {} : { type }) };
}

/** Verifies, restores, starts and checks one link. One sentence for each thing that is wrong, with where it is. */
export async function checkLink(repository: TestRepository, link: Link): Promise<string[]> {
  const { backup, depth, how } = link;
  const findings = [
    ...recordFindings(link),
    ...(await verifyFindings(repository, backup)),
    ...(await copyFindings(repository, link)),
  ];
  const where = `PostgreSQL ${majorOf(backup.serverVersionNumber)}, ${how} link ${depth} (${backup.id})`;
  return findings.map((finding) => `${where}: ${finding}`);
}

/** A link that quietly became something else would prove nothing. */
function recordFindings({ backup, type, parent }: Link): string[] {
  if (backup.type === type && backup.parent === parent) return [];
  return [
    `it is ${backup.type} on ${String(backup.parent)}, and was to be ${type} on ${String(parent)}: ${JSON.stringify(backup)}`,
  ];
}

async function verifyFindings(repository: TestRepository, backup: CommitRecord): Promise<string[]> {
  const { findings, checkedFiles } = await verify(repository, backup);
  const none = checkedFiles === 0 ? ['verify: no file was compared with its checksum'] : [];
  return [...none, ...findings.map(({ code, message }) => `verify: ${message} [${code}]`)];
}

async function copyFindings(repository: TestRepository, link: Link): Promise<string[]> {
  try {
    await using copy = await RestoredCopy.restore(repository, link.backup, link.spaces);
    const connection = await copy.start();
    // first: checking changes the copy
    const fingerprint = await fingerprintFindings(repository, link.backup, connection);
    return [...fingerprint, ...(await checkCopy(connection, link.expectation))];
  } catch (error) {
    // the hint holds the end of the server's log
    const hint = error instanceof LarderError ? (error.hint ?? '') : '';
    return [`the copy did not come up: ${String(error)}\n${hint}`];
  }
}
