import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, the unit of proc_pid_stat(5): 100 on every Linux that Node runs on, whatever the kernel's own HZ. */
const TICKS_PER_SECOND = 100;

/**
 * CPU seconds of every process that `pid` has waited for, with all that those had waited for in their turn. The kernel
 * adds them up when a child is collected, so the difference around a child's life is exact: nothing is sampled.
 */
export function endedChildrenCpuSeconds(pid: number): number {
  const fields = statFields(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // cutime (16) and cstime (17)
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

/** CPU seconds of the process itself up to now, all its threads; 0 when it has ended. */
export function ownCpuSeconds(pid: number): number {
  const stat = unlessGone(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat === undefined) return 0;
  const fields = statFields(stat);
  // utime (14) and stime (15)
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The process's children now; none when it has ended. */
export function childrenOf(pid: number): number[] {
  return (unlessGone(() => readdirSync(`/proc/${pid}/task`)) ?? [])
    .map((thread) => unlessGone(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')) ?? '')
    .flatMap((list) =>
      list
        .split(' ')
        .filter((child) => child !== '')
        .map(Number),
    );
}

/**
 * A lower bound of the most memory that the tree below `root` has held at once up to now, bytes. A single process knows
 * its own peak (VmHWM); several share pages, so what each holds of its own with its part of the shared ones (Pss) is
 * added up for this moment. The maximum over many calls is the peak.
 */
export function residentBytes(root: number): number {
  const tree = treeOf(root);
  const peaks = tree.map((pid) => kibibytes(`/proc/${pid}/status`, 'VmHWM') ?? 0);
  const highest = Math.max(0, ...peaks);
  // walking the page tables for Pss disturbs a big process: only where it says something new
  if (tree.length < 2) return highest;
  return Math.max(
    highest,
    tree.reduce((sum, pid) => sum + proportional(pid), 0),
  );
}

/** Of proc_pid_stat(5) from field 3 (state) on: the name in parentheses before it may hold anything. */
function statFields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function treeOf(root: number): number[] {
  return [root, ...childrenOf(root).flatMap(treeOf)];
}

/** Needs the same user or root; without that right the whole resident size, which counts shared pages more than once. */
function proportional(pid: number): number {
  return kibibytes(`/proc/${pid}/smaps_rollup`, 'Pss') ?? kibibytes(`/proc/${pid}/status`, 'VmRSS') ?? 0;
}

function kibibytes(file: string, field: string): number | undefined {
  const text = unlessGone(() => readFileSync(file, 'utf8'));
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text ?? '');
  return match === null ? undefined : Number(match[1]) * 1024;
}

function unlessGone<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
