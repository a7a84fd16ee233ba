import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const PROGRAM = join(import.meta.dirname, '../../support/programs/large-manifest.ts');
/** What a backup or restore of any size may take, MiB; these maps are held twice, beside everything else it needs. */
const LIMIT = 300;

interface Measured {
  peak: number;
  files: number;
  extents: number;
  full: number;
  next: number;
}

async function measure(kind: 'files' | 'blocks'): Promise<Measured> {
  await using directory = await temporaryDirectory();
  // as scripts/larder starts the service
  const flags = [
    '--disable-warning=ExperimentalWarning',
    '--max-semi-space-size=4',
    '--heap-growing-percent=50',
  ];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, PROGRAM, directory.path, kind]);
  const measured = JSON.parse(stdout) as Measured;
  process.stdout.write(`map of ${kind}: ${stdout}`);
  return measured;
}

describe('changes laid over a map stay within the memory of a backup', () => {
  test('of 100,000 files, each with a changed block', async () => {
    const { peak, files, extents } = await measure('files');
    expect({ files, extents }).toEqual({ files: 100_000, extents: 200_000 });
    expect(peak).toBeLessThan(LIMIT);
  }, 60_000);

  test('of a file of 300 GB, of whose blocks each hundredth changed', async () => {
    const { peak, extents, next } = await measure('blocks');
    expect(extents).toBe(2 * 393_216);
    expect(peak).toBeLessThan(LIMIT);
    // 786,432 stretches
    expect(next).toBeLessThan(10_000_000);
  }, 60_000);
});
