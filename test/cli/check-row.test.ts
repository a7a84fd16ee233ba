import { describe, expect, test } from '@jest/globals';
import { checkError, checkText, lookAt, type CheckRow } from '../../src/cli/check-row.ts';
import { LarderError } from '../../src/errors.ts';

const ok: CheckRow = { name: 'connection', state: 'ok', found: 'logged in' };
const warning: CheckRow = { name: 'fsync', state: 'warning', found: 'off', mend: 'ALTER SYSTEM' };
const error: CheckRow = {
  name: 'repository',
  state: 'error',
  found: 'gone',
  code: 'REPOSITORY_MISSING',
  mend: 'mount it',
};

describe('the table', () => {
  test('has a mend below each row that wants one, and the count at its end', () => {
    expect(checkText([ok, warning, error], false)).toBe(
      [
        'ok       connection  logged in',
        'warning  fsync       off',
        '                     mend: ALTER SYSTEM',
        'ERROR    repository  gone',
        '                     mend: mount it',
        '',
        '3 checks: 1 ok, 1 warning, 1 error, 0 unknown',
        '',
      ].join('\n'),
    );
  });

  test('is coloured only when asked', () => {
    expect(checkText([error], true)).toContain('\u001b[31mERROR  \u001b[0m');
    expect(checkText([error], false)).not.toContain('\u001b');
  });
});

describe('the end of the command', () => {
  test('is good with warnings', () => {
    expect(checkError([ok, warning])).toBeUndefined();
  });

  test('is that of the first error, and names them all', () => {
    const later: CheckRow = { ...error, name: 'state', code: 'STATE_NOT_WRITABLE' };
    const end = checkError([warning, error, later]);
    expect(end).toMatchObject({ code: 'REPOSITORY_MISSING', message: '2 checks failed: repository, state' });
  });
});

test('a look that fails becomes a row with the hint as its mend', async () => {
  const refused = new LarderError('REPOSITORY_NOT_WRITABLE', 'cannot write', { hint: 'chown it' });
  expect(await lookAt('probe', () => Promise.reject(refused))).toEqual({
    name: 'probe',
    state: 'error',
    found: 'cannot write',
    code: 'REPOSITORY_NOT_WRITABLE',
    mend: 'chown it',
  });
});
