import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const run = promisify(execFile);
const unit = readFileSync(new URL('../../deploy/systemd/larder.service', import.meta.url), 'utf8');

/** The values of a setting, in the order of the file. */
function values(name: string): string[] {
  return [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map((match) => match[1]!);
}

const analyzer = await run('systemd-analyze', ['--version']).then(
  () => true,
  () => false,
);
if (!analyzer) process.stderr.write('some tests are skipped: there is no systemd-analyze\n');
const analyzed = analyzer ? test : test.skip;

/** With programs that exist here: systemd-analyze complains of those that do not. */
async function analyze(...args: string[]): Promise<string> {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'larder.service');
  await writeFile(path, unit.replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'));
  const { stdout, stderr } = await run('systemd-analyze', [...args, path]);
  return stdout + stderr;
}

test('every line of the unit is a comment, a section or a setting', () => {
  for (const line of unit.split('\n')) expect(line).toMatch(/^($|#|\[(Unit|Service|Install)\]$|[A-Za-z]+=)/);
});

test('the service is no root, keeps what it writes to itself, and is handed its password', () => {
  expect(values('User')).toEqual(['larder']);
  expect(values('UMask')).toEqual(['0077']);
  expect(values('CapabilityBoundingSet')).toEqual(['']);
  expect(values('ProtectSystem')).toEqual(['strict']);
  const [credential] = values('LoadCredential');
  expect(values('Environment')).toEqual([`DATABASE_PASSWORD_FILE=%d/${credential!.split(':')[0]!}`]);
});

test('a configuration that cannot be used is not tried again, and stopping may take as long as it takes', () => {
  expect(values('RestartPreventExitStatus')).toEqual(['2']);
  expect(Number.parseInt(values('TimeoutStopSec')[0]!, 10)).toBeGreaterThan(10);
});

test('it forbids nothing that the service needs: compiled code, and the boot id that tells a dead lease', () => {
  expect(values('MemoryDenyWriteExecute')).toEqual([]);
  expect(values('ProcSubset')).toEqual([]);
});

analyzed('systemd finds no fault with it', async () => {
  expect(await analyze('verify', '--man=no')).toBe('');
});

analyzed('systemd rates its exposure below 2 of 10', async () => {
  expect(await analyze('security', '--offline=true', '--threshold=20', '--no-pager')).toContain('OK');
});
