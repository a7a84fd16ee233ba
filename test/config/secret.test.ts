import { expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import { Secret } from '../../src/config/secret.ts';

test('a secret prints as *** wherever it turns up, and is revealed on request only', () => {
  const secret = new Secret('hunter2');
  const holder = { secret, list: [secret] };
  const prints = [
    secret.toString(),
    String(secret),
    JSON.stringify(holder),
    inspect(holder, { showHidden: true }),
  ];
  for (const print of prints) {
    expect(print).toContain('***');
    expect(print).not.toContain('hunter2');
  }
  expect(Object.values(secret)).toEqual([]);
  expect(secret.reveal()).toBe('hunter2');
});
