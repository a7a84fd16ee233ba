import { LarderError } from '../errors.ts';

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** `24h`, `30d`, `12w`, `90s`, `1.5h` as milliseconds. Throws CONFIG_INVALID. */
export function parseDuration(text: string): number {
  return amount(text, MILLISECONDS, 'a duration such as 90s, 30m, 24h, 30d or 12w');
}

/** `64MiB`, `10GB`, `512kB` as bytes. Throws CONFIG_INVALID. */
export function parseSize(text: string): number {
  return amount(text, BYTES, 'a size such as 512KiB, 64MiB or 10GB');
}

/** `80%` as 0.8; from 0 to 100 %. Throws CONFIG_INVALID. */
export function parsePercent(text: string): number {
  const percent = amount(text, { '%': 1 }, 'a percentage such as 80%');
  if (percent > 100) throw refusal(text, 'a percentage from 0% to 100%');
  return percent / 100;
}

/** An amount of money in the words of whoever pays. */
export interface Price {
  readonly amount: number;
  readonly currency: string;
}

/** `0.023 USD`, `0.02 €`. Throws CONFIG_INVALID. */
export function parsePrice(text: string): Price {
  const match = /^(\d{1,9}(?:\.\d{1,9})?) ?([\p{L}\p{Sc}]{1,8})$/u.exec(text.trim());
  if (match?.[1] === undefined || match[2] === undefined)
    throw refusal(text, 'a price such as 0.023 USD, or none');
  return { amount: Number(match[1]), currency: match[2] };
}

/** A whole number from `least` to `most`, written in decimal. Throws CONFIG_INVALID. */
export function parseInteger(text: string, least: number, most: number): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw refusal(text, `a whole number from ${least} to ${most}`);
}

function amount(text: string, units: Readonly<Record<string, number>>, expected: string): number {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z%]+)$/.exec(text.trim());
  const factor = units[match?.[2] ?? ''];
  if (match === null || factor === undefined) throw refusal(text, expected);
  const value = Math.round(Number(match[1]) * factor);
  if (!Number.isSafeInteger(value)) throw refusal(text, expected);
  return value;
}

function refusal(text: string, expected: string): LarderError {
  return new LarderError('CONFIG_INVALID', `expected ${expected}, found "${text}"`);
}
