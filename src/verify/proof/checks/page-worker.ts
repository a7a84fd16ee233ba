import { open } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { PAGE_BYTES, pageProblem } from '../../../postgres/page-checksum.ts';
import { errorToMessage } from '../../../worker-thread.ts';
import type { PageAnswer, PageRequest } from './page-messages.ts';

/** A thread that reads files of relations page by page. */
// of this thread alone, on Linux
setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);
const buffer = Buffer.alloc(128 * PAGE_BYTES);
/** Of one file. */
const PROBLEM_LIMIT = 5;

async function check(request: PageRequest): Promise<PageAnswer> {
  await using handle = await open(request.path, 'r');
  const problems: { block: number; problem: 'header' | 'checksum' }[] = [];
  let [pages, bytes, problemCount] = [0, 0, 0];
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, bytes);
    if (bytesRead === 0) break;
    bytes += bytesRead;
    for (let at = 0; at + PAGE_BYTES <= bytesRead; at += PAGE_BYTES) {
      const block = request.firstBlock + pages;
      const problem = pageProblem(buffer.subarray(at, at + PAGE_BYTES), block, request.checksums);
      pages += 1;
      if (problem === undefined) continue;
      problemCount += 1;
      if (problems.length < PROBLEM_LIMIT) problems.push({ block, problem });
    }
  }
  return { kind: 'done', file: request.file, pages, bytes, problems, problemCount };
}

async function answer(request: PageRequest): Promise<PageAnswer> {
  try {
    return await check(request);
  } catch (error) {
    return { kind: 'failed', error: errorToMessage(error) };
  }
}

parentPort?.on('message', (request: PageRequest) => {
  void answer(request).then((message) => parentPort?.postMessage(message));
});
