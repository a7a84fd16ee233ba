import { expect, test } from '@jest/globals';
import { LarderError } from '../../src/errors.ts';
import { serverError, sqlState } from '../../src/postgres/server-error.ts';

function databaseError(code: string, fields: object = {}): Error {
  return Object.assign(new Error('relation "x" does not exist'), { severity: 'ERROR', code, ...fields });
}

test('the server’s severity, SQLSTATE, message, detail and hint are kept', () => {
  const cause = databaseError('42P01', { detail: 'two\n  lines', hint: 'Create it.' });
  const error = serverError(cause, 'reading the settings');
  expect(error.message).toBe(
    'reading the settings failed: ERROR 42P01: relation "x" does not exist; two lines',
  );
  expect(error).toMatchObject({ code: 'SERVER_ERROR', hint: 'Create it.', cause });
  expect(sqlState(error)).toBe('42P01');
});

test.each([
  ['42501', 'SERVER_NOT_PRIVILEGED'],
  ['53300', 'SERVER_NO_SEAT'],
  ['57P01', 'CONNECTION_LOST'],
  ['08006', 'CONNECTION_LOST'],
  ['28P01', 'SERVER_REFUSED_LOGIN'],
  ['XX001', 'SERVER_ERROR'],
])('SQLSTATE %s becomes %s', (state, code) => {
  expect(serverError(databaseError(state), 'it').code).toBe(code);
});

test('an error that is not the server’s is a lost connection', () => {
  const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  expect(serverError(cause, 'reading')).toMatchObject({ code: 'CONNECTION_LOST', cause });
  expect(sqlState(cause)).toBeUndefined();
});

test('an error of ours passes unchanged', () => {
  const ours = new LarderError('TIMED_OUT', 'it took too long');
  expect(serverError(ours, 'reading')).toBe(ours);
});
