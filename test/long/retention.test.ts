import { expect, test } from '@jest/globals';
import { checkPlans } from '../support/retention/check-plan.ts';
import { seedFromEnvironment } from '../support/seeded-random.ts';

test(
  'the plan of a hundred thousand catalogues never breaks an invariant',
  () => {
    const seed = seedFromEnvironment();
    const met = checkPlans(100_000, seed);
    process.stdout.write(`100,000 catalogues, seed ${seed}: ${JSON.stringify(met)}\n`);
    expect(met.removed).toBeGreaterThan(10_000);
  },
  30 * 60_000,
);
