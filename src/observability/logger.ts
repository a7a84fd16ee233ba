import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { redact } from './redaction.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** A logger of JSON lines to standard output (or `destination`); no line leaves it with a secret in it. */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // the whole line, so that nested fields, stacks and causes are covered too
    hooks: { streamWrite: redact },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
