import * as z from 'zod';
import { LarderError } from '../errors.ts';

/**
 * A value written as text or number, read by `read`. What that throws becomes the problem's text; NOT_BUILT_YET marks
 * the problem as one of a feature that does not exist, so that it is told apart from a slip.
 */
export function leaf<T>(read: (text: string) => T): z.ZodType<T> {
  return anything((given) => {
    if (typeof given === 'string' || typeof given === 'number') return read(String(given).trim());
    throw new LarderError('CONFIG_INVALID', 'expected text or a number');
  });
}

/** A key whose feature does not exist: only empty values pass, so that nobody relies on what does not happen. */
export function notBuiltYet(feature: string): z.ZodType<undefined> {
  return anything((given) => {
    if (isEmpty(given)) return undefined;
    throw new LarderError('NOT_BUILT_YET', `${feature} not built yet`);
  });
}

function anything<T>(read: (given: unknown) => T): z.ZodType<T> {
  return z.unknown().transform((given, context): T => {
    try {
      return read(given);
    } catch (error) {
      if (!(error instanceof LarderError)) throw error;
      const params = { notBuilt: error.code === 'NOT_BUILT_YET' };
      // the value stays out of the issue: it may be a secret
      context.issues.push({ code: 'custom', message: error.message, params, input: undefined });
      return z.NEVER;
    }
  });
}

function isEmpty(given: unknown): boolean {
  if (given === undefined || given === null || given === '') return true;
  return typeof given === 'object' && Object.keys(given).length === 0;
}
