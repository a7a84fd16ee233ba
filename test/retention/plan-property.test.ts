import { expect, test } from '@jest/globals';
import { checkPlans } from '../support/retention/check-plan.ts';

test('the plan of any catalogue keeps what the model keeps, no less and no more, and nothing goes before its time', () => {
  const met = checkPlans(1000);
  for (const [what, count] of Object.entries(met)) expect([what, count > 100]).toEqual([what, true]);
});
