import { html, type Markup } from './html.ts';
import { drawTimeAxis, positionOf, round } from './time-axis.ts';

export interface Bar {
  /** Milliseconds since 1970 UTC. */
  readonly time: number;
  readonly value: number;
  readonly kind: 'full' | 'incremental' | 'log' | 'bad';
  readonly title: string;
}

export interface BarChart {
  readonly caption: string;
  /** Kinds with their words, in the order of the legend. */
  readonly legend: readonly (readonly [Bar['kind'], string])[];
  readonly bars: readonly Bar[];
  readonly format: (value: number) => string;
  /** The top of the scale for the greatest value; a quarter of it is a round number too. */
  readonly top: (greatest: number) => number;
}

const [WIDTH, HEIGHT] = [480, 190];
const [LEFT, TOP, BOTTOM] = [78, 10, 162];
const LINES = 4;
/** More bars than this are thinner than the gaps between them. */
const MOST_BARS = 120;

/** Values over time, a bar each; the newest where there are too many. */
export function barChart({ caption, legend, bars: all, ...scale }: BarChart): Markup {
  const bars = all.toSorted((a, b) => a.time - b.time).slice(-MOST_BARS);
  const names = legend.map(([kind, words]) => html`<b class="${kind}"></b>${words}`);
  return html`<figure>
    <figcaption>${caption} <span class="legend">${names}</span></figcaption>
    ${
      bars.length === 0
        ? html`<p class="soft">Nothing is on record yet.</p>`
        : html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${caption}">
            ${draw(bars, scale)}
          </svg>`
    }
  </figure>`;
}

function draw(bars: readonly Bar[], { format, top: topOf }: Pick<BarChart, 'format' | 'top'>): Markup {
  const times = bars.map(({ time }) => time);
  const margin = Math.max(3_600_000, (Math.max(...times) - Math.min(...times)) * 0.03);
  const axis = {
    from: Math.min(...times) - margin,
    to: Math.max(...times) + margin,
    left: LEFT,
    width: WIDTH - LEFT - 8,
  };
  const top = topOf(Math.max(...bars.map(({ value }) => value)));
  const heightOf = (value: number): number => (Math.max(0, value) / top) * (BOTTOM - TOP);
  const width = Math.max(2, Math.min(10, (axis.width / bars.length) * 0.6));
  const lines = Array.from({ length: LINES + 1 }, (_, index) => (top / LINES) * index);
  return html`${drawTimeAxis(axis, BOTTOM, BOTTOM + 3)}${lines.map((value) => {
    const y = round(BOTTOM - heightOf(value));
    return html`<line class="grid" x1="${LEFT}" x2="${WIDTH - 8}" y1="${y}" y2="${y}" /><text
        x="${LEFT - 6}"
        y="${y + 4}"
        text-anchor="end"
        >${format(value)}</text
      >`;
  })}${bars.map(({ time, value, kind, title }) => {
    const height = Math.max(1, heightOf(value));
    return html`<rect
      class="${kind}"
      x="${round(positionOf(axis, time) - width / 2)}"
      y="${round(BOTTOM - height)}"
      width="${round(width)}"
      height="${round(height)}"
      rx="1"
      ><title>${title}</title></rect
    >`;
  })}`;
}

/** The next of 1, 2, 4, 8 times a power of ten. */
export function topOfBytes(greatest: number): number {
  if (!(greatest > 0)) return LINES;
  const power = 10 ** Math.floor(Math.log10(greatest));
  return ([1, 2, 4, 8].find((factor) => factor * power >= greatest) ?? 10) * power;
}

/** Seconds between two lines. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

export function topOfSeconds(greatest: number): number {
  const step =
    STEPS.find((each) => each * LINES >= greatest) ?? Math.ceil(greatest / LINES / 86_400) * 86_400;
  return step * LINES;
}
