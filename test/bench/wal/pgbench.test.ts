import { expect, test } from '@jest/globals';
import { parseTransactionRate } from '../../../bench/wal/pgbench.ts';

const REPORT = `pgbench (18.6)
transaction type: <builtin: TPC-B (sort of)>
number of transactions actually processed: 76631
number of failed transactions: 0 (0.000%)
latency average = 0.261 ms
initial connection time = 6.511 ms
tps = 15326.328947 (without initial connection time)
`;

test('the rate is the one without the time to connect', () => {
  expect(parseTransactionRate(REPORT)).toBe(15326.328947);
});

test('failed transactions, or no report, are no rate', () => {
  expect(() => parseTransactionRate(REPORT.replace('transactions: 0', 'transactions: 3'))).toThrow('pgbench');
  expect(() => parseTransactionRate('pgbench: error: Run was aborted')).toThrow('Run was aborted');
});
