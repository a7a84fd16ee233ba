import { html, type Markup } from './html.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Distances between two marks that a reader takes in at once. */
const STEPS = [
  HOUR / 12,
  HOUR / 4,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  30 * DAY,
  91 * DAY,
  365 * DAY,
];
const MOST_MARKS = 8;

/** Where a time lies on a drawing. Times are ms since 1970 UTC, lengths the drawing's own units. */
export interface TimeAxis {
  readonly from: number;
  readonly to: number;
  readonly left: number;
  readonly width: number;
}

/** Kept inside of the axis. */
export function positionOf(axis: TimeAxis, time: number): number {
  const part = (time - axis.from) / Math.max(1, axis.to - axis.from);
  return axis.left + Math.min(1, Math.max(0, part)) * axis.width;
}

/** Lines and dates of an axis, from `top` down to `bottom`. */
export function drawTimeAxis(axis: TimeAxis, top: number, bottom: number): Markup {
  const step = STEPS.find((each) => (axis.to - axis.from) / each <= MOST_MARKS) ?? 365 * DAY;
  const marks: number[] = [];
  for (let time = Math.ceil(axis.from / step) * step; time <= axis.to; time += step) marks.push(time);
  return html`${marks.map((time) => {
    const x = round(positionOf(axis, time));
    return html`<line class="grid" x1="${x}" x2="${x}" y1="${top}" y2="${bottom}" /><text
        x="${x}"
        y="${bottom + 14}"
        text-anchor="middle"
        >${labelOf(time, step)}</text
      >`;
  })}`;
}

function labelOf(time: number, step: number): string {
  const iso = new Date(time).toISOString();
  return step >= DAY || iso.slice(11, 16) === '00:00' ? iso.slice(5, 10) : iso.slice(11, 16);
}

/** Two decimals are more than anybody sees. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
