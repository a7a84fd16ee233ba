import { describe, expect, test } from '@jest/globals';
import { SeededRandom } from '../seeded-random.ts';
import { drawBatch } from './draw-batch.ts';
import { type Holding, LARGE_OBJECTS, type Ledger } from './ledger.ts';

const table: Omit<Holding, 'name'> = {
  kind: 'table',
  persistence: 'p',
  tablespace: '',
  rows: '50',
  hash: '0',
};
const holdings: readonly Holding[] = [
  ...['plain_0', 'indexed_0', 'toasted_0', 'bulk_0', 'plain_7'].map((name) => ({ ...table, name })),
  { ...table, name: 'plain_u', persistence: 'u' },
  { ...table, name: 'counter', kind: 'sequence' },
  { ...table, name: LARGE_OBJECTS, kind: LARGE_OBJECTS },
];
const ledger: Ledger = new Map(holdings.map((holding) => [holding.name, holding]));

function draw(seed: number, count: number, duringBackup = false): string[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const given = { random, number: i + 1, ledger, spaces: ['space'], duringBackup };
    const { what, statements, afterwards } = drawBatch(given);
    return [what, ...statements, ...(afterwards ?? [])].join('; ');
  });
}

describe('what the storm draws', () => {
  test('is repeated by its seed', () => {
    expect(draw(7, 200)).toEqual(draw(7, 200));
    expect(draw(7, 200)).not.toEqual(draw(8, 200));
  });

  test('has VACUUM FULL of pg_proc between backups only', () => {
    const ofProc = (duringBackup: boolean) =>
      draw(1, 3000, duringBackup).filter((batch) => batch.includes('VACUUM FULL pg_proc'));
    expect(ofProc(false)).not.toEqual([]);
    expect(ofProc(true)).toEqual([]);
  });

  test.each([
    ['insertions', /INSERT INTO bulk_0/],
    ['updates that need no index', /UPDATE \w+ SET \(filler\)/],
    ['updates of indexed columns', /UPDATE indexed_0 SET \(tag/],
    ['deletions', /DELETE FROM \w+ WHERE id %/],
    ['deletions of the end of a table, with a vacuum', /VACUUM \(TRUNCATE\)/],
    ['TRUNCATE', /; TRUNCATE \w+$/],
    ['TRUNCATE that is undone', /TRUNCATE .*ROLLBACK TO/s],
    ['transactions that are rolled back', /; ROLLBACK$/],
    ['VACUUM', /; VACUUM \w+$/],
    ['VACUUM FREEZE', /VACUUM \(FREEZE\)/],
    ['VACUUM FULL', /VACUUM FULL bulk_0/],
    ['VACUUM FULL of a catalog', /VACUUM FULL pg_class/],
    ['CLUSTER', /CLUSTER \w+ USING/],
    ['REINDEX', /REINDEX TABLE bulk_0/],
    ['REINDEX CONCURRENTLY', /REINDEX TABLE CONCURRENTLY/],
    ['rewriting ALTER TABLE', /ALTER TABLE \w+ ALTER era TYPE/],
    ['CREATE INDEX and DROP INDEX', /DROP INDEX .*CREATE INDEX/s],
    ['logged tables that become unlogged', /ALTER TABLE plain_0 SET UNLOGGED/],
    ['unlogged tables that become logged', /ALTER TABLE plain_u SET LOGGED/],
    ['tables that move to another tablespace', /ALTER TABLE \w+ SET TABLESPACE space/],
    ['CREATE TABLE', /CREATE TABLE indexed_\d+/],
    ['unlogged CREATE TABLE', /CREATE UNLOGGED TABLE/],
    ['DROP TABLE', /DROP TABLE \w+$/],
    ['a table that is dropped and made anew', /DROP TABLE \w+; CREATE TABLE/],
    ['changes of rows in TOAST', /UPDATE toasted_0 SET \(filler\)/],
    ['large objects', /lo_from_bytea/],
    ['changes of large objects', /lo_put/],
    ['large objects that are cut and unlinked', /lo_truncate|lo_unlink/],
    ['sequences', /nextval/],
    ['sequences that begin anew', /ALTER SEQUENCE counter RESTART/],
    ['checkpoints', /CHECKPOINT/],
  ])('has %s among three thousand batches', (_, pattern) => {
    expect(draw(1, 3000).filter((batch) => pattern.test(batch))).not.toEqual([]);
  });
});
