import { describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AuditTrail } from '../../src/audit/audit-trail.ts';
import { auditConfig } from '../../src/audit/audit-config.ts';
import { systemClock } from '../../src/clock.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const PROGRAM = join(import.meta.dirname, '../support/programs/audit-writer.ts');
const ENTRY = { actor: 'user:test', action: 'hold', subject: 'backup', details: {} } as const;

describe('the audit trail on disk', () => {
  test('is one chain, whatever processes append to it at once', async () => {
    await using directory = await temporaryDirectory();
    const writers = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, directory.path, '15']),
    );
    for (const [code] of await Promise.all(writers.map((writer) => once(writer, 'close'))))
      expect(code).toBe(0);
    const { records, findings, torn } = await new AuditTrail(directory.path, systemClock).read();
    expect({ findings, torn, count: records.length }).toEqual({ findings: [], torn: [], count: 60 });
  });

  test('is for its owner alone', async () => {
    await using directory = await temporaryDirectory();
    const trail = new AuditTrail(join(directory.path, 'state'), systemClock);
    await trail.add(ENTRY);
    expect((await stat(trail.path)).mode & 0o777).toBe(0o600);
  });

  test('goes on behind half a line, and behind a long stretch of rubbish', async () => {
    await using directory = await temporaryDirectory();
    const trail = new AuditTrail(directory.path, systemClock);
    await trail.add(ENTRY);
    await appendFile(trail.path, '{"number":2,"time');
    expect((await trail.add(ENTRY)).number).toBe(2);
    await appendFile(trail.path, 'x'.repeat(100_000));
    expect((await trail.add(ENTRY)).number).toBe(3);
    expect(await trail.read()).toMatchObject({ findings: [], torn: [2, 4], head: { number: 3 } });
  });

  test('tells of a record that was changed on disk', async () => {
    await using directory = await temporaryDirectory();
    const trail = new AuditTrail(directory.path, systemClock);
    for (const subject of ['one', 'two', 'three']) await trail.add({ ...ENTRY, subject });
    await writeFile(trail.path, (await readFile(trail.path, 'utf8')).replace('two', 'six'));
    expect((await trail.read()).findings[0]).toMatchObject({ line: 2 });
    await truncate(trail.path, 0);
    expect(await trail.read()).toMatchObject({ records: [], findings: [] });
  });

  test('takes the lock that a dead process left', async () => {
    await using directory = await temporaryDirectory();
    const lock = join(directory.path, 'audit.lock');
    await writeFile(lock, '1 1\n');
    await utimes(lock, 1, 1);
    await new AuditTrail(directory.path, systemClock).add(ENTRY);
    await expect(stat(lock)).rejects.toThrow('ENOENT');
  });

  test('notes a configuration once for each change of it', async () => {
    await using directory = await temporaryDirectory();
    const trail = new AuditTrail(directory.path, systemClock);
    const settings = (value: string) => [{ path: ['log', 'level'], value }];
    for (const value of ['info', 'info', 'debug', 'info']) await auditConfig(trail, settings(value));
    const { records } = await trail.read();
    expect(records.map(({ action }) => action)).toEqual(['configure', 'configure', 'configure']);
    expect(records[1]?.details['before']).toBe(records[0]?.details['sha256']);
  });
});
