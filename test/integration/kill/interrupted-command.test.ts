import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Ended } from '../../support/larder-command.ts';
import { larder, startLarder } from '../../support/larder-command.ts';
import { backupsIn, expectNoLeftovers } from '../../support/kills/repository-state.ts';
import { Tally } from '../../support/kills/tally.ts';
import { openTestBed, type TestBed } from '../../support/kills/test-bed.ts';

/** Of each signal, for backup and for restore. */
const HITS = 6;
const PATIENCE_MS = 10_000;

describe('a command that is told to stop at a random moment', () => {
  let bed: TestBed;
  let environment: Record<string, string>;
  let backups: string[];

  beforeAll(async () => {
    bed = await openTestBed();
    environment = {
      DATABASE_URL: bed.server.connection,
      BACKUP_DIR: bed.repository,
      LARDER_STATE_DIR: join(bed.home.directory, 'state'),
    };
    expect((await larder(['backup'], environment)).code).toBe(0);
    backups = await backupsIn(bed.repository);
  }, 120_000);
  afterAll(async () => bed[Symbol.asyncDispose]());

  function restoreCommand(): string[] {
    const tablespace = `${bed.tablespaceOid}=${bed.tablespace}`;
    const owner = bed.home.user === undefined ? [] : ['--owner', bed.home.user.name];
    return ['restore', backups[0]!, '--to-dir', bed.home.dataDirectory, '--tablespace', tablespace, ...owner];
  }

  /** Signals the command within the time that it takes from its first word; `phase` is its last one. */
  async function interrupted(
    args: readonly string[],
    signal: NodeJS.Signals,
    milliseconds: number,
  ): Promise<Ended & { phase: string; took: number }> {
    const { child, ended } = startLarder(args, environment);
    await new Promise((resolve) => child.stderr.once('data', resolve));
    await delay(Math.random() * milliseconds);
    const sent = performance.now();
    child.kill(signal);
    const { code, stdout, stderr } = await ended;
    const phases = stderr.split('\n').filter((line) => /^[a-z]+( {2}|$)/.test(line));
    return {
      code,
      stdout,
      stderr,
      phase: phases.at(-1)?.split(' ')[0] ?? '',
      took: performance.now() - sent,
    };
  }

  /** From the first word to the end. */
  async function duration(args: readonly string[]): Promise<number> {
    const { child, ended } = startLarder(args, environment);
    await new Promise((resolve) => child.stderr.once('data', resolve));
    const began = performance.now();
    expect(await ended).toMatchObject({ code: 0 });
    return performance.now() - began;
  }

  /** Until every signal has met the command `HITS` times; `check` looks at what each left. */
  async function interruptAll(
    args: readonly string[],
    milliseconds: number,
    check: (code: number | null) => Promise<void> | void,
  ): Promise<void> {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const tally = new Tally();
      while (tally.total < HITS) {
        const { code, stderr, phase, took } = await interrupted(args, signal, milliseconds);
        expect(took).toBeLessThan(PATIENCE_MS);
        if (code !== 0) {
          expect({ code, stderr }).toMatchObject({
            code: 130,
            stderr: expect.stringContaining(`larder: stopped by ${signal} [INTERRUPTED]\n`),
          });
        }
        tally.add(code === 0 ? undefined : phase);
        await check(code);
      }
      tally.print(`${signal} in larder ${args[0]!}`);
    }
  }

  test('ends a backup soon with exit code 130, and takes away what was stored of it', async () => {
    const milliseconds = await duration(['backup']);
    backups = await backupsIn(bed.repository);
    await interruptAll(['backup'], milliseconds, async (code) => {
      await expectNoLeftovers(bed.repository);
      const found = await backupsIn(bed.repository);
      expect(found.slice(0, backups.length)).toEqual(backups);
      expect(found).toHaveLength(backups.length + (code === 0 ? 1 : 0));
      backups = found;
    });
    await duration(['backup']);
    await bed.expectRestores(backups.at(-1)!, await bed.fingerprint());
  }, 300_000);

  test('ends a restore soon with exit code 130, and leaves a directory that does not start and takes the next one', async () => {
    const milliseconds = await duration(restoreCommand());
    await bed.expectStarts(await bed.fingerprint());
    await interruptAll(restoreCommand(), milliseconds, (code) => {
      const isWhole = code === 0;
      expect(existsSync(join(bed.home.dataDirectory, 'global', 'pg_control'))).toBe(isWhole);
      if (isWhole) bed.clear();
      else bed.expectRefused();
    });
    await duration(restoreCommand());
    await bed.expectStarts(await bed.fingerprint());
  }, 300_000);
});
