import { formatTime } from '../../format.ts';
import { recoverablePoints } from '../sections/objectives.ts';
import type { Recovery } from '../sections/recovery.ts';
import type { ReportedBackup } from '../strategy-report.ts';
import { html, type Markup } from './html.ts';
import { drawTimeAxis, positionOf, round, type TimeAxis } from './time-axis.ts';

const WIDTH = 1000;
const HEIGHT = 120;
const [BAR_TOP, BAR_HEIGHT] = [14, 26];
const TICKS_BOTTOM = 92;
/** Thinner, and nobody would see it. */
const THINNEST = 2;

/** Which points in time can be restored to, gaps in red, and below them the backups. Times are ms since 1970 UTC. */
export function windowChart(
  recovery: Recovery,
  { now, from }: { readonly now: number; readonly from: number },
): Markup {
  const starts = recovery.backups.map(({ started }) => Date.parse(started));
  const begin = Math.max(from, Math.min(now - 3_600_000, ...starts));
  const margin = (now - begin) * 0.01;
  const axis = { from: begin - margin, to: now + margin, left: 10, width: WIDTH - 20 };
  const older = starts.filter((start) => start < begin).length;
  return html`<figure>
    <figcaption>
      What can be restored
      <span class="legend"
        ><b class="log"></b>any second<b class="alone"></b>only the ends of backups<b class="bad"></b
        >nothing<b class="full"></b>full backup<b class="incremental"></b
        >incremental${older === 0 ? '' : ` · ${older} older backups are not drawn`}</span
      >
    </figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${recovery.sentence}">
      ${drawTimeAxis(axis, BAR_TOP + BAR_HEIGHT + 4, TICKS_BOTTOM)}
      ${gaps(recovery, axis, now)}${windows(recovery, axis)}${recovery.backups.filter(({ started }) => Date.parse(started) >= begin).map((backup) => tick(backup, axis))}
    </svg>
  </figure>`;
}

function windows({ windows: all }: Recovery, axis: TimeAxis): Markup[] {
  return all.map(({ from, until, backup }) =>
    bar(axis, [Date.parse(from.time), Date.parse(until.time)], {
      kind: 'log',
      title: `any second from ${formatTime(from.time)} to ${formatTime(until.time)}, from ${backup} on`,
    }),
  );
}

/** Behind the first window a gap is one; before it retention has left the backups alone, as it was told to. */
function gaps(recovery: Recovery, axis: TimeAxis, now: number): Markup[] {
  const reaches = recoverablePoints(recovery);
  const firstWindow = Math.min(...recovery.windows.map(({ from }) => Date.parse(from.time)));
  return reaches.flatMap(({ until }, index) => {
    const next = reaches[index + 1]?.from;
    const [from, to] = [positionOf(axis, until), positionOf(axis, next ?? now)];
    // what has happened since the last look is no gap, and one of the past is drawn however short
    if (next === undefined && to - from < THINNEST) return [];
    const kind = until < firstWindow ? 'alone' : 'bad';
    const what = kind === 'alone' ? 'only the ends of backups' : 'nothing';
    const title = `${what} between ${formatTime(iso(until))} and ${formatTime(iso(next ?? now))}`;
    return [bar(axis, [until, next ?? now], { kind, title })];
  });
}

function bar(
  axis: TimeAxis,
  [from, to]: readonly [number, number],
  { kind, title }: { readonly kind: string; readonly title: string },
): Markup {
  if (to < axis.from) return html``;
  const x = positionOf(axis, from);
  const width = Math.max(THINNEST, positionOf(axis, to) - x);
  return html`<rect
    class="${kind}"
    x="${round(x)}"
    y="${BAR_TOP}"
    width="${round(width)}"
    height="${BAR_HEIGHT}"
    rx="2"
    ><title>${title}</title></rect
  >`;
}

function tick({ id, type, started, state }: ReportedBackup, axis: TimeAxis): Markup {
  const height = type === 'full' ? 36 : 20;
  const kind = state === 'good' ? type : 'bad';
  const x = round(positionOf(axis, Date.parse(started)) - 2);
  return html`<rect class="${kind}" x="${x}" y="${TICKS_BOTTOM - height}" width="4" height="${height}" rx="1"
    ><title>${id}, ${formatTime(started)}</title></rect
  >`;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
