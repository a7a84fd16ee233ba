import { toLarderError } from '../../errors.ts';
import type { Known } from './strategy-facts.ts';

/** What was read, or the words of what kept it from being read. An abort is thrown: nobody waits for an answer any more. */
export async function known<T>(read: () => Promise<T>, signal: AbortSignal): Promise<Known<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    signal.throwIfAborted();
    return { unknown: toLarderError(error).message };
  }
}

/** What is known, or undefined. */
export function valueOf<T>(fact: Known<T>): T | undefined {
  return 'value' in fact ? fact.value : undefined;
}

/** Why it is not known, or undefined where it is. */
export function unknownOf(fact: Known<unknown>): string | undefined {
  return 'unknown' in fact ? fact.unknown : undefined;
}
