import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { UnconfirmedAge } from '../../../bench/wal/unconfirmed-age.ts';

test('the age counts from when the oldest unconfirmed position was first seen', () => {
  const age = new UnconfirmedAge();
  age.saw(1000, 10n);
  age.saw(1020, 20n);
  age.saw(1040, 30n);
  expect(age.at(1050, 10n)).toBe(30);
  expect(age.at(1060, 20n)).toBe(20);
  expect(age.at(1070, 30n)).toBe(0);
});

test('an idle server has no age, however long nothing is said', () => {
  const age = new UnconfirmedAge();
  age.saw(0, 10n);
  expect(age.at(50, 10n)).toBe(0);
  age.saw(3_600_000, 10n);
  expect(age.at(3_600_000, 10n)).toBe(0);
});

test('a position that is seen again keeps the date of the first time', () => {
  const age = new UnconfirmedAge();
  age.saw(0, 10n);
  expect(age.at(100, 5n)).toBe(100);
  age.saw(200, 10n);
  expect(age.at(300, 5n)).toBe(300);
});

const step = fc.record({
  wait: fc.integer({ min: 0, max: 50 }),
  written: fc.integer({ min: 0, max: 3 }),
  confirms: fc.integer({ min: 0, max: 3 }),
  asks: fc.boolean(),
});

test('it says what a list of everything that was ever seen says', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const age = new UnconfirmedAge();
      const seen: { time: number; flushed: bigint }[] = [];
      let [now, flushed, confirmed] = [0, 0n, 0n];
      for (const { wait, written, confirms, asks } of steps) {
        now += wait;
        flushed += BigInt(written);
        confirmed = confirmed + BigInt(confirms) < flushed ? confirmed + BigInt(confirms) : flushed;
        age.saw(now, flushed);
        seen.push({ time: now, flushed });
        const oldest = seen.find((each) => each.flushed > confirmed);
        if (asks) expect(age.at(now, confirmed)).toBe(oldest === undefined ? 0 : now - oldest.time);
      }
    }),
  );
});
