import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { isProvablyDead, readProcessIdentity } from '../src/process-identity.ts';

const self = readProcessIdentity();
const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('a process', () => {
  test('knows its boot, its namespace and its start', () => {
    expect(self).toMatchObject({ pid: process.pid, pidNamespace: expect.stringMatching(/^pid:\[\d+\]$/) });
    expect(self.bootId).toMatch(/^[0-9a-f-]{36}$/);
    expect(Number(self.processStart)).toBeGreaterThan(0);
  });

  test('is not dead while it runs, and is dead once it was killed', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const other = { ...self, pid: child.pid ?? 0, processStart: undefined };
    expect(isProvablyDead(self, self)).toBe(false);
    expect(isProvablyDead(other, self)).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isProvablyDead(other, self)).toBe(true);
  });

  test('is dead when its pid belongs to one that started later', () => {
    expect(isProvablyDead({ ...self, processStart: '1' }, self)).toBe(true);
  });

  test('is dead when it is a zombie', async () => {
    // the shell replaces itself with a program that never collects its child
    const parent = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 60']);
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const zombie = { ...self, pid: Number(line.toString()), processStart: undefined };
    expect(isProvablyDead(zombie, self)).toBe(false);
    while (!isProvablyDead(zombie, self)) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(() => process.kill(zombie.pid, 0)).not.toThrow();
    parent.kill('SIGKILL');
  });

  test('cannot be told dead from another boot or another container, or without their marks', () => {
    const gone = { ...self, pid: 4_194_304 };
    expect(isProvablyDead(gone, self)).toBe(true);
    for (const mark of ['bootId', 'pidNamespace'] as const) {
      expect(isProvablyDead({ ...gone, [mark]: 'other' }, self)).toBe(false);
      expect(isProvablyDead({ ...gone, [mark]: undefined }, self)).toBe(false);
      expect(isProvablyDead({ ...gone, [mark]: undefined }, { ...self, [mark]: undefined })).toBe(false);
    }
  });
});
