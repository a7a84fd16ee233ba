import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createLogger } from '../../src/observability/logger.ts';
import { redact } from '../../src/observability/redaction.ts';

/** What a logger writes for these fields and this message. */
function logged(fields: object, message = 'something happened'): string {
  const lines: string[] = [];
  createLogger('info', { write: (line) => void lines.push(line) }).info(fields, message);
  return lines.join('');
}

describe('a log line', () => {
  test('is one JSON object with a level by name, a time and the fields', () => {
    expect(JSON.parse(logged({ cluster: 'truck' }))).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as unknown,
      cluster: 'truck',
      msg: 'something happened',
    });
  });

  test('from a server with line feeds and escape codes stays one line', () => {
    const line = logged({ notice: 'a\nb\u001b[31m' }, 'c\nd');
    expect(line.indexOf('\n')).toBe(line.length - 1);
  });
});

const secret = 'hunter2';
const cases: [string, object, string?][] = [
  ['a field by its name', { password: secret }],
  ['a nested field', { config: { storage: [{ secretAccessKey: secret, secret_access_key: secret }] } }],
  ['a field that is a number', { token: 42_424_242 }],
  ['a connection URL', { error: `cannot connect to postgresql://larder:${secret}@db:5432/truck` }],
  ['a URL whose password holds an @', {}, `bad url postgres://larder:a@b@${secret}@db/x`],
  ['libpq settings', {}, `connection "host=db password=${secret} user=larder" failed`],
  ['libpq settings in quotes', {}, `host=db password='it\\'s "${secret}" , &' user=larder`],
  ['an environment', { env: `DATABASE_PASSWORD=${secret},&;${secret}` }],
  ['a signed URL', { url: `https://s3/bucket?X-Amz-Signature=${secret}` }],
  ['a header', {}, `Authorization: Bearer ${secret}${secret}`],
  ['JSON inside a message', {}, JSON.stringify({ passphrase: secret })],
  [
    'the message and stack of an error and its cause',
    { err: new Error('x', { cause: new Error(`pwd://u:${secret}@h`) }) },
  ],
];

test.each(cases)('%s loses its secret and nothing of the line around it', (_what, fields, message = 'm') => {
  const line = logged({ ...fields, after: 'stays' }, message);
  expect(line).not.toContain(secret);
  expect(line).not.toContain('42424242');
  expect(JSON.parse(line)).toMatchObject({ level: 'info', after: 'stays' });
});

test('a line without secrets stays as it is', () => {
  const line = JSON.stringify({
    msg: 'backup full_backup_truck_20261122_020000 stored 3 packs of 5',
    keys: 3,
    design: 'a=b',
  });
  expect(redact(line)).toBe(line);
});

test('any field and message are still one JSON object afterwards', () => {
  const words = fc.constantFrom(
    'password=',
    "'",
    '"',
    '\\',
    ' ',
    'x',
    '://u:',
    '@',
    '{',
    '":"',
    'token',
    ',',
    'Bearer ',
  );
  const texts = fc.array(words, { maxLength: 12 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(texts, texts, (value, message) => {
      expect(() => void JSON.parse(logged({ value, password: value, after: value }, message))).not.toThrow();
    }),
    { numRuns: 2000 },
  );
});
