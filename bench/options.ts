import { parseArgs } from 'node:util';
import { IDLE_PARTS } from './idle/measure-idle.ts';
import { INCREMENTAL_PARTS } from './incremental/measure-incremental.ts';
import { VERIFY_PARTS } from './verify/measure-verify.ts';
import { WAL_PARTS } from './wal/measure-wal.ts';

const PARTS = [
  'backup',
  'restore',
  'memory',
  'small',
  ...WAL_PARTS,
  ...INCREMENTAL_PARTS,
  ...IDLE_PARTS,
  ...VERIFY_PARTS,
] as const;

export type Part = (typeof PARTS)[number];

export interface BenchOptions {
  readonly rounds: number;
  /** Of the clusters that the peers are compared on, bytes. */
  readonly size: number;
  readonly only: readonly Part[];
}

/**
 * Reads `npm run bench -- [--rounds 3] [--size 2GB] [--only backup,restore,memory,small,wal-lag,…,incremental-18,…,idle,verify]`.
 * Throws an Error that names the argument.
 */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      size: { type: 'string', default: '2GB' },
      only: { type: 'string', default: PARTS.join(',') },
    },
  });
  return { rounds: parseRounds(values.rounds), size: parseSize(values.size), only: parseParts(values.only) };
}

/** `200MB`, `2GB`, decimal, as bytes. */
function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(MB|GB)$/i.exec(text);
  if (match === null) throw new Error(`--size ${text}: expected a size such as 200MB or 2GB`);
  return Number(match[1]) * (match[2]?.toUpperCase() === 'GB' ? 1e9 : 1e6);
}

function parseRounds(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new Error(`--rounds ${text}: expected a number from 1 to 99`);
  return Number(text);
}

function parseParts(text: string): Part[] {
  return text.split(',').map((name) => {
    const part = PARTS.find((known) => known === name);
    if (part === undefined) throw new Error(`--only ${name}: expected some of ${PARTS.join(',')}`);
    return part;
  });
}
