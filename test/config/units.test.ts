import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseDuration, parseInteger, parsePercent, parsePrice, parseSize } from '../../src/config/units.ts';

test.each([
  ['500ms', 500],
  ['90s', 90_000],
  ['1.5h', 5_400_000],
  ['24h', 86_400_000],
  ['30 d', 2_592_000_000],
  ['12w', 7_257_600_000],
])('the duration %s is %i milliseconds', (text, expected) => {
  expect(parseDuration(text)).toBe(expected);
});

test.each([
  ['0B', 0],
  ['512kB', 512_000],
  ['64MiB', 67_108_864],
  ['10GB', 10_000_000_000],
])('the size %s is %i bytes', (text, expected) => {
  expect(parseSize(text)).toBe(expected);
});

test('a percentage is a part of one', () => {
  expect(parsePercent('80%')).toBe(0.8);
  expect(() => parsePercent('101%')).toThrow('from 0% to 100%');
});

test.each(['', '5', 'h', '-1h', '1h30m', '1e3s', '24 hours', '1mo', '1constructor', '9'.repeat(15) + 'w'])(
  'the duration "%s" is refused',
  (text) => {
    expect(() => parseDuration(text)).toThrow('expected a duration');
  },
);

test('any whole number of any unit is read exactly', () => {
  const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  fc.assert(
    fc.property(fc.nat(100_000), fc.constantFrom(...(['s', 'm', 'h', 'd'] as const)), (count, unit) => {
      expect(parseDuration(`${count}${unit}`)).toBe(count * units[unit]);
    }),
  );
});

test('a whole number is decimal and within its range', () => {
  expect(parseInteger('64', 1, 64)).toBe(64);
  for (const text of ['0', '65', '1.5', '0x10', '1e1', '']) {
    expect(() => parseInteger(text, 1, 64)).toThrow('from 1 to 64');
  }
});

test('a price is an amount and a currency', () => {
  expect(parsePrice('0.023 USD')).toEqual({ amount: 0.023, currency: 'USD' });
  expect(parsePrice('0.02€')).toEqual({ amount: 0.02, currency: '€' });
  for (const text of ['', '1', 'USD', '-1 USD', '1 USD/GB', '1,5 EUR', '1 <b>']) {
    expect(() => parsePrice(text)).toThrow('expected a price');
  }
});
