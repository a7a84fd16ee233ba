import type { Clock } from '../clock.ts';
import type { Output } from './cli-parts.ts';
import { formatBytes, formatDuration, formatRate } from '../format.ts';

/** How far something is. */
export interface Step {
  /** A word for what is being done: `copying`. */
  readonly phase: string;
  readonly doneBytes: number;
  /** `undefined` while the whole is not known; an estimate that may be exceeded. */
  readonly totalBytes?: number | undefined;
}

const REDRAW_MS = 100;
const LINE_MS = 10_000;
const BAR_WIDTH = 24;
/** Goes to the beginning of the line and empties it. */
const CLEAR_LINE = '\r\u001b[2K';

/** Shows progress in one line: redrawn on a terminal, elsewhere a new one for each phase and every 10 seconds. */
export class ProgressBar {
  readonly #output: Output;
  readonly #clock: Clock;
  #phase: string | undefined;
  #phaseBegan = 0;
  #drawn = Number.NEGATIVE_INFINITY;
  #visible = false;

  constructor(output: Output, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
  }

  update(step: Step): void {
    const now = this.#clock.monotonic();
    const isNewPhase = step.phase !== this.#phase;
    if (isNewPhase) [this.#phase, this.#phaseBegan] = [step.phase, now];
    if (!isNewPhase && now - this.#drawn < (this.#output.isTerminal ? REDRAW_MS : LINE_MS)) return;
    this.#drawn = now;
    const text = progressText(step, (now - this.#phaseBegan) / 1000);
    this.#write(text);
  }

  /** Takes the line away, so that what follows begins on an empty one. */
  clear(): void {
    if (this.#visible) this.#output.write(CLEAR_LINE);
    this.#visible = false;
  }

  #write(text: string): void {
    const { output, visible } = { output: this.#output, visible: this.#output.isTerminal };
    // a line that wraps could not be taken back
    output.write(visible ? `${CLEAR_LINE}${text.slice(0, Math.max(10, output.columns - 1))}` : `${text}\n`);
    this.#visible = visible;
  }
}

/** `copying  [#####     ]  41%  1.23 GB of 3.0 GB  412 MB/s  5 s left`; `seconds` since the phase began. */
export function progressText({ phase, doneBytes, totalBytes }: Step, seconds: number): string {
  const parts = [phase];
  if (totalBytes !== undefined && totalBytes > 0) {
    const part = Math.min(1, doneBytes / totalBytes);
    const filled = Math.floor(part * BAR_WIDTH);
    parts.push(`[${'#'.repeat(filled)}${' '.repeat(BAR_WIDTH - filled)}]`);
    parts.push(`${String(Math.floor(part * 100)).padStart(3)}%`);
  }
  if (doneBytes > 0) parts.push(sizeText(doneBytes, totalBytes));
  if (doneBytes > 0 && seconds >= 1) parts.push(formatRate(doneBytes, seconds));
  const left = secondsLeft({ doneBytes, totalBytes }, seconds);
  if (left !== undefined) parts.push(`${formatDuration(left)} left`);
  return parts.join('  ');
}

function sizeText(doneBytes: number, totalBytes: number | undefined): string {
  // an estimate that was exceeded is no longer worth showing
  if (totalBytes === undefined || totalBytes < doneBytes) return formatBytes(doneBytes);
  return `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
}

/** At the rate so far; `undefined` while it would be a guess, and once everything is done. */
function secondsLeft(
  { doneBytes, totalBytes }: Pick<Step, 'doneBytes' | 'totalBytes'>,
  seconds: number,
): number | undefined {
  if (totalBytes === undefined || doneBytes <= 0 || doneBytes >= totalBytes || seconds < 2) return undefined;
  return ((totalBytes - doneBytes) * seconds) / doneBytes;
}
