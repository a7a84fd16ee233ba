import { closeSync, openSync, statSync, utimesSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { systemClock } from '../../src/clock.ts';
import { LarderError } from '../../src/errors.ts';
import { findEmbeddedBinaries } from '../../src/postgres/server/find-binaries.ts';
import type { InstanceHome } from '../../src/postgres/server/instance-home.ts';
import { openInstanceSession } from '../../src/postgres/server/instance-session.ts';
import { type Instance, startInstance } from '../../src/postgres/server/instance.ts';
import { reachableBinaries } from '../../src/postgres/server/reachable-binaries.ts';
import type { RestorePlan } from '../../src/restore/plan.ts';
import { carryOut, failureOf, makeCopyHome, type RestoreChanges } from './backup-runner.ts';

/** Where a backup is restored to, its tablespace included. */
export interface Place {
  readonly home: InstanceHome;
  readonly data: string;
  readonly space: string;
  readonly changes: RestoreChanges;
}

export async function makePlace(tablespace: number): Promise<Place> {
  const home = await makeCopyHome();
  const space = join(home.directory, 'space');
  return { home, data: home.dataDirectory, space, changes: { tablespaces: new Map([[tablespace, space]]) } };
}

/** Runs a server on the copy, which ends in order and leaves it. */
export async function usingServer(
  home: InstanceHome,
  major: number,
  use: (instance: Instance) => Promise<unknown>,
): Promise<void> {
  const installed = await findEmbeddedBinaries(major);
  const binaries = await reachableBinaries(installed!, home);
  const instance = await startInstance({ binaries, home, settings: {}, clock: systemClock });
  try {
    await use(instance);
  } finally {
    await instance.stop('fast');
  }
}

export async function execute(instance: Instance, ...statements: readonly string[]): Promise<void> {
  await using session = await openInstanceSession(instance.connection);
  for (const statement of statements) await session.query(statement);
}

/** One byte, and the time of the last change as it was. */
export function overwrite(path: string, at: number): void {
  const { atime, mtime } = statSync(path);
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.from([0xa5]), 0, 1, at);
  closeSync(file);
  utimesSync(path, atime, mtime);
}

/** A restore that ends itself as soon as it is in that phase. */
export async function breakOff(plan: RestorePlan, phase: string): Promise<void> {
  const controller = new AbortController();
  const reason = new LarderError('INTERRUPTED', 'broken off');
  const ended = carryOut(plan, {
    signal: controller.signal,
    onProgress: (progress) => progress.phase === phase && controller.abort(reason),
  });
  expect(await failureOf(ended)).toBe(reason);
}
