import { readFileSync } from 'node:fs';

/** Names one process for ever: a pid alone is given out again, and every container has a pid 1. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly bootId: string;
  /** Clock ticks between boot and start of the process, as the kernel prints them. */
  readonly startTime: string;
}

export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, bootId: bootId(), startTime: startTime(process.pid) ?? '' };
}

/** Whether the process still runs on this host; a zombie does not. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identity.bootId === bootId() && startTime(identity.pid) === identity.startTime;
}

function bootId(): string {
  return readProc('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

function startTime(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // proc_pid_stat(5): the name in parentheses may hold anything; the state is field 3, the start time field 22
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  return state === 'Z' || state === 'X' ? undefined : fields[19];
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // the process is gone, or this is not Linux
    return undefined;
  }
}
