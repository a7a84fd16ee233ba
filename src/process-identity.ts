import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemErrorCode } from './errors.ts';

/**
 * One process, told apart from every other for ever: a pid alone is given out again, and every container has a pid 1.
 * The optional fields are Linux's; without them only time can tell that a process is gone.
 */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** New at each start of the kernel, shared by all containers on it. */
  readonly bootId?: string | undefined;
  /** Within which pids mean the same processes, as `pid:[4026531836]`. */
  readonly pidNamespace?: string | undefined;
  /** Clock ticks between boot and the start of the process, as the kernel prints them. */
  readonly processStart?: string | undefined;
}

/** Who this process is. */
export function readProcessIdentity(): ProcessIdentity {
  return {
    host: hostname(),
    pid: process.pid,
    bootId: unlessRefused(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    pidNamespace: unlessRefused(() => readlinkSync('/proc/self/ns/pid')),
    processStart: readProcess(process.pid)?.start,
  };
}

/**
 * Whether `other` certainly no longer runs, seen from `self`. False also means "cannot tell": it runs on another host, in
 * another container, or the kernel does not say.
 */
export function isProvablyDead(other: ProcessIdentity, self: ProcessIdentity): boolean {
  if (other.bootId === undefined || other.bootId !== self.bootId) return false;
  if (other.pidNamespace === undefined || other.pidNamespace !== self.pidNamespace) return false;
  if (!pidExists(other.pid)) return true;
  const found = readProcess(other.pid);
  if (found === undefined) return false;
  // a zombie is dead and waits for its parent to notice
  const replaced = other.processStart !== undefined && found.start !== other.processStart;
  return replaced || found.state === 'Z' || found.state === 'X';
}

/**
 * Whether `other` certainly runs, seen from `self`. False also means "cannot tell": for an entry in a local file, a
 * process of an earlier container is as good as dead.
 */
export function isProvablyAlive(other: ProcessIdentity, self: ProcessIdentity): boolean {
  if (other.bootId === undefined || other.bootId !== self.bootId) return false;
  if (other.pidNamespace !== self.pidNamespace) return false;
  return readProcess(other.pid)?.start === other.processStart && !isProvablyDead(other, self);
}

/** Asked by signal 0 and not in /proc, which a `hidepid` mount empties of other users' processes. */
function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) !== 'ESRCH';
  }
}

/** proc_pid_stat(5): the name in parentheses may hold anything; after it, the state is field 3 and the start field 22. */
function readProcess(pid: number): { state: string | undefined; start: string | undefined } | undefined {
  const stat = unlessRefused(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], start: fields[19] };
}

function unlessRefused(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
