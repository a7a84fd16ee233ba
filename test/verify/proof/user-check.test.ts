import { expect, test } from '@jest/globals';
import { checkOf } from '../../../src/verify/proof/answer.ts';
import { unanswered } from '../../../src/verify/proof/checks/user-check.ts';
import { verdictOf } from '../../../src/verify/proof/verdict.ts';

const check = { name: 'orders', database: 'truck', sql: 'SELECT 1', expect: '1', timeout: 30_000 };

test.each([
  ['canceling statement due to statement timeout', 'verified_with_exceptions'],
  ['relation "orders" does not exist', 'failed'],
])('a question that ends with "%s" makes a backup %s', (message, verdict) => {
  expect(verdictOf([checkOf('user_check:orders', unanswered(check, message), 1)])).toBe(verdict);
});
