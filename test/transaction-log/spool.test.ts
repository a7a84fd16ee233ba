import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { readProcessIdentity } from '../../src/process-identity.ts';
import { Spool } from '../../src/transaction-log/spool.ts';
import { SpoolWriter } from '../../src/transaction-log/spool-writer.ts';
import { failureOf } from '../support/backup-runner.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts';

const self = readProcessIdentity();
const MIB = 1024 * 1024;
const description = { repositoryId: 'r', systemIdentifier: '7', major: 18, segmentSize: MIB };

let directory: TemporaryDirectory;
beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(async () => directory[Symbol.asyncDispose]());

describe('a spool', () => {
  test('is one receiver’s at a time', async () => {
    const first = await Spool.open(directory.path, self, systemClock);
    expect(await failureOf(Spool.open(directory.path, self, systemClock))).toMatchObject({
      code: 'LEASE_HELD',
    });
    await first.close();
    await (await Spool.open(directory.path, self, systemClock)).close();
  });

  test('is taken over from a receiver that died', async () => {
    await Spool.open(directory.path, { ...self, processStart: '1' }, systemClock);
    const spool = await Spool.open(directory.path, self, systemClock);
    expect(await Spool.holder(directory.path, self, systemClock)).toMatchObject({ pid: self.pid });
    await spool.close();
    expect(await Spool.holder(directory.path, self, systemClock)).toBeUndefined();
  });

  test('is not taken from a receiver in another container, which goes on telling how it is', async () => {
    const elsewhere = { ...self, host: 'other', pidNamespace: 'pid:[1]' };
    const running = await Spool.open(directory.path, elsewhere, systemClock);
    const clock = new FakeClock();
    const taking = failureOf(Spool.open(directory.path, self, clock));
    let told = 0;
    const telling = setInterval(() => {
      void running.publish('status.json', String(told++)).then(() => clock.advance(250));
    }, 20);
    expect(await taking).toMatchObject({ code: 'LEASE_HELD' });
    clearInterval(telling);
    expect(await readFile(join(directory.path, 'receiver.lock'), 'utf8')).toContain('other');
  });

  test('is taken from one that has told nothing for a while', async () => {
    await Spool.open(directory.path, { ...self, host: 'other', pidNamespace: 'pid:[1]' }, systemClock);
    const clock = new FakeClock();
    const taking = Spool.open(directory.path, self, clock);
    const passing = setInterval(() => void clock.advance(250), 5);
    const spool = await taking;
    clearInterval(passing);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(5000);
    expect(await Spool.holder(directory.path, self, systemClock)).toMatchObject({ pid: self.pid });
    await spool.close();
  });

  test('changes its owner only when it is empty', async () => {
    const spool = await Spool.open(directory.path, self, systemClock);
    await spool.begin(description);
    await writeFile(spool.path('000000010000000000000001'), 'x');
    await spool.begin(description);
    const other = { ...description, repositoryId: 'other' };
    expect(await failureOf(spool.begin(other))).toMatchObject({ code: 'REPOSITORY_OTHER_CLUSTER' });
    await spool.remove('000000010000000000000001');
    await spool.begin(other);
    expect(await spool.describe()).toEqual(other);
    await spool.close();
  });
});

describe('what is written to it', () => {
  test.each([true, false])(
    'lies in files named like segments, whole ones handed on, and counts as durable only after a flush: awaited %s',
    async (awaited) => {
      const spool = await Spool.open(directory.path, self, systemClock);
      const finished: string[] = [];
      const writer = new SpoolWriter({
        spool,
        timeline: 1,
        start: BigInt(MIB),
        segmentSize: MIB,
        clock: systemClock,
        awaited: () => awaited,
        onFinished: (_, name) => finished.push(name),
      });
      const bytes = Buffer.alloc(MIB + 500);
      for (let i = 0; i < bytes.length; i++) bytes[i] = i % 251;
      writer.write(bytes, 0, 100);
      // what is not on the disk is in no tail
      expect(writer.unfinished).toBeUndefined();
      writer.write(bytes, 100, bytes.length);
      expect(writer.unfinished).toBeUndefined();
      expect(finished).toEqual(['000000010000000000000001']);
      expect(writer.written).toBe(BigInt(2 * MIB + 500));
      expect(writer.flushed).toBe(BigInt(MIB));
      await writer.flush();
      expect(writer.flushed).toBe(writer.written);
      expect(writer.unfinished).toMatchObject({ name: '000000010000000000000002', length: 500 });
      expect(bytes.subarray(0, MIB).equals(await readFile(spool.path('000000010000000000000001')))).toBe(
        true,
      );
      const tail = await readFile(spool.path('000000010000000000000002'));
      expect(tail.subarray(0, 500)).toEqual(bytes.subarray(MIB));
      expect(tail.subarray(500).every((byte) => byte === 0)).toBe(true);
      // a second flush of a disk that was quick
      writer.write(bytes, 0, 300);
      await writer.flush();
      expect(writer.unfinished).toMatchObject({ length: 800 });
      await writer.close();
      await spool.close();
    },
  );

  test('is never durable again after a flush that failed, whatever a second one would say', async () => {
    const gone = join(directory.path, 'spool');
    const spool = await Spool.open(gone, self, systemClock);
    const options = {
      spool,
      timeline: 1,
      segmentSize: MIB,
      clock: systemClock,
      awaited: () => true,
      onFinished: () => undefined,
    };
    const writer = new SpoolWriter({ ...options, start: 0n });
    writer.write(Buffer.alloc(1000, 1), 0, 1000);
    // the directory cannot be forced to disk
    await rename(gone, `${gone}.moved`);
    expect(await failureOf(writer.flush())).toMatchObject({ code: 'STATE_NOT_WRITABLE' });
    await rename(`${gone}.moved`, gone);
    expect(await failureOf(writer.flush())).toMatchObject({ code: 'STATE_NOT_WRITABLE' });
    expect(() => writer.write(Buffer.alloc(10), 0, 10)).toThrow('cannot be written');
    expect(writer.flushed).toBe(0n);
    await writer.close();
  });

  test('goes on where an earlier stream stopped in the middle of a segment', async () => {
    const spool = await Spool.open(directory.path, self, systemClock);
    const options = {
      spool,
      timeline: 1,
      segmentSize: MIB,
      clock: systemClock,
      awaited: () => true,
      onFinished: () => undefined,
    };
    const first = new SpoolWriter({ ...options, start: 0n });
    first.write(Buffer.alloc(1000, 1), 0, 1000);
    await first.flush();
    await first.close();
    const second = new SpoolWriter({ ...options, start: 600n });
    second.write(Buffer.alloc(1000, 2), 0, 1000);
    await second.flush();
    await second.close();
    const bytes = await readFile(join(directory.path, '000000010000000000000000'));
    expect(bytes.subarray(0, 600)).toEqual(Buffer.alloc(600, 1));
    expect(bytes.subarray(600, 1600)).toEqual(Buffer.alloc(1000, 2));
    await spool.close();
  });
});
