import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDrillBed, type DrillBed } from '../../support/drills/drill-bed.ts';
import { holdDrill } from '../../support/drills/hold-drill.ts';
import { startLarder } from '../../support/larder-command.ts';
import { damage } from '../../support/log-damage/damages.ts';

let bed: DrillBed;
let scratch: string;

beforeAll(async () => {
  bed = await makeDrillBed(17);
  scratch = join(bed.scratch.path, 'drills');
  await mkdir(scratch);
  await chmod(scratch, 0o755);
}, 60_000);
afterAll(async () => bed[Symbol.asyncDispose]());

test('a damaged log is followed as far as it is whole, and the drill fails by it', async () => {
  const repository = await bed.copy('log-damaged');
  // behind the newest backup's own end lies the unfinished segment alone: its last tail
  const tails = (await logObjects(repository)).filter((name) => name.includes('.tail_'));
  await damage(tails.at(-1)!, 'flipped');
  const { code, report } = await holdDrill(['--repository', repository], scratch);
  expect(report).toMatchObject({ backup: bed.backups[1]!.id, passedOver: [], verdict: 'failed', met: false });
  expect(report.checks).toContainEqual(
    expect.objectContaining({
      name: 'transaction_log',
      result: 'failed',
      findings: [expect.objectContaining({ code: 'OBJECT_DAMAGED' })],
    }),
  );
  expect(Date.parse(report.recoveredTo ?? '')).toBeLessThan(bed.beforeLast);
  expect(code).toBe(7);
  expect(await readdir(scratch)).toEqual([]);
}, 90_000);

test('where every backup is damaged nothing is recovered, and the report names them all', async () => {
  const repository = await bed.copy('all-damaged');
  for (const { id } of bed.backups) await damage(join(repository, id, 'data-00001.pack'), 'truncated');
  const { code, report } = await holdDrill(['--scenario', 'ransomware', '--repository', repository], scratch);
  expect(report).toMatchObject({ reached: null, recoverySeconds: null, lostSeconds: null, met: false });
  expect(report.passedOver.map(({ backup }) => backup)).toEqual([bed.backups[1]!.id, bed.backups[0]!.id]);
  expect(code).toBe(7);
  expect(await readdir(scratch)).toEqual([]);
}, 90_000);

test('a drill that is told to stop leaves neither a server nor a file', async () => {
  const args = ['drill', '--repository', bed.repository.location.directory, '--scratch', scratch];
  for (const phase of ['restoring the copy', 'recovering', 'checking']) {
    const { child, ended } = startLarder(args);
    const reached = new Promise<void>((resolve) => {
      child.stderr.on('data', (text: string) => {
        if (new RegExp(`^${phase}( {2}|$)`, 'm').test(text)) resolve();
      });
    });
    await Promise.race([reached, ended]);
    child.kill('SIGTERM');
    const { code, stderr } = await ended;
    expect({ phase, code, stderr }).toMatchObject({ code: 130 });
    expect(await readdir(scratch)).toEqual([]);
  }
}, 120_000);

async function logObjects(repository: string): Promise<string[]> {
  const directory = join(repository, 'transaction_logs');
  const names = await readdir(directory, { recursive: true });
  return names.map((name) => join(directory, name)).sort();
}
