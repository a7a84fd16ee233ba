import { expect, test } from '@jest/globals';
import { differences, fingerprintCluster } from '../../../src/demo/compare-clusters.ts';
import type { ClusterFingerprint } from '../../../src/demo/compare-clusters.ts';
import { fillFoodTruck } from '../../../src/demo/food-truck.ts';
import { expectSameContents } from '../../support/comparison.ts';
import { startServer } from '../../support/postgres-server.ts';

/** Roles and their number differ from one major version to the next. */
function withoutRoles(fingerprint: ClusterFingerprint): ClusterFingerprint {
  return Object.fromEntries(Object.entries(fingerprint).filter(([name]) => name !== 'roles'));
}

test('the company has the same rows on every version, and a comparison finds a single changed one', async () => {
  await using oldest = await startServer({ major: 15 });
  await using newest = await startServer({ major: 18 });
  await fillFoodTruck(oldest.connection, { scale: 0.01 });
  await fillFoodTruck(newest.connection, { scale: 0.01 });
  const [before, after] = await Promise.all(
    [oldest, newest].map(async ({ connection }) =>
      withoutRoles(await fingerprintCluster(connection, { unlogged: true })),
    ),
  );
  expect(differences(before!, after!)).toEqual([]);
  expect(Object.values(before!).filter(({ rows }) => rows > 0).length).toBeGreaterThan(20);

  await newest.sql(
    'truck',
    `UPDATE payment SET amount = amount + 0.01 WHERE id = (SELECT max(id) FROM payment)`,
  );
  await newest.sql('payroll', `DELETE FROM payslip WHERE employee_id = 1`);
  await newest.sql('truck', `SELECT nextval('receipt_number'), lo_put(471100, 0, '\\x00')`);
  const changed = withoutRoles(await fingerprintCluster(newest.connection, { unlogged: true }));
  expect(differences(before!, changed)).toEqual([
    'payroll: table public.payslip has 4788 rows in the copy instead of 4800',
    'truck: large objects has other contents in the copy',
    'truck: sequence public.receipt_number has other contents in the copy',
    'truck: table public.payment has other contents in the copy',
  ]);
  await expect(expectSameContents(oldest.connection, newest.connection)).rejects.toThrow('payslip');
}, 120_000);

test('the company uses every built-in kind of index and every kind of relation', async () => {
  await using server = await startServer({ major: 17 });
  await fillFoodTruck(server.connection, { scale: 0.001 });
  const methods = await server.sql(
    'truck',
    `SELECT DISTINCT amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam
     WHERE relkind IN ('i', 'I') AND relnamespace = 'public'::regnamespace ORDER BY 1`,
  );
  expect(methods.map(({ amname }) => amname)).toEqual(['brin', 'btree', 'gin', 'gist', 'hash', 'spgist']);
  const kinds = await server.sql(
    'truck',
    `SELECT string_agg(DISTINCT format('%s:%s', relkind, relpersistence), ' ') AS kinds
     FROM pg_class WHERE relnamespace IN ('public'::regnamespace, 'accounting'::regnamespace)`,
  );
  expect(kinds).toEqual([{ kinds: 'I:p S:p i:p i:u m:p p:p r:p r:u v:p' }]);
}, 60_000);
