import { describe, expect, test } from '@jest/globals';
import { LarderError } from '../src/errors.ts';
import { errorFromMessage, errorToMessage, startWorker } from '../src/worker-thread.ts';

describe('an error that crosses from a worker', () => {
  test('keeps its code, its text and its hint', () => {
    const errors = [
      new LarderError('REPOSITORY_FULL', 'full', { hint: 'make room' }),
      new LarderError('OBJECT_DAMAGED', 'damaged', { cause: new Error('x') }),
    ];
    for (const error of errors) {
      const { code, message, hint } = errorFromMessage(structuredClone(errorToMessage(error)));
      expect({ code, message, hint }).toEqual({ code: error.code, message: error.message, hint: error.hint });
    }
  });

  test('that is no LarderError is a fault of ours', () => {
    expect(errorToMessage(new TypeError('x is not a function'))).toEqual({
      code: 'INTERNAL',
      message: 'x is not a function',
      hint: undefined,
    });
  });
});

test('a worker that is not there says so', async () => {
  const worker = startWorker(import.meta.url, 'no-such-worker', {});
  const [error] = (await new Promise<unknown[]>((resolve) =>
    worker.once('error', (...all: unknown[]) => resolve(all)),
  )) as [Error];
  expect(error.message).toContain('no-such-worker.ts');
});
