import { expect, test } from '@jest/globals';
import { errorJson, errorText } from '../../src/cli/report-error.ts';
import { LarderError, toLarderError } from '../../src/errors.ts';

test('an error is a sentence with its code, and what to do', () => {
  const error = new LarderError('BACKUP_UNKNOWN', 'there is no such backup', { hint: 'one\ntwo' });
  expect(errorText(error)).toBe('larder: there is no such backup [BACKUP_UNKNOWN]\n  one\n  two\n');
});

test('for programs it is one line of JSON', () => {
  const error = new LarderError('USAGE', 'a\nb');
  expect(errorJson(error)).toBe('{"error":{"code":"USAGE","message":"a\\nb"}}\n');
});

test('a fault of ours shows where it happened', () => {
  const text = errorText(toLarderError(new TypeError('x is not a function')));
  expect(text).toContain('[INTERNAL]');
  expect(text).toContain('report-error.test.ts');
});
