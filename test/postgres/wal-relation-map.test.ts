import { describe, expect, test } from '@jest/globals';
import { directoryOfDatabase, readRelationMapUpdate } from '../../src/postgres/wal-relation-map.ts';
import { main, record, u32 } from '../support/wal-record-parts.ts';

function update(database: number, tablespace: number, resourceManager = 7, info = 0x00) {
  const data = Buffer.concat([u32(database), u32(tablespace), u32(524), Buffer.alloc(524, 1)]);
  return record({ resourceManager, info, transaction: 7, data: main(data) });
}

describe('the update of a relation map', () => {
  test('is read with its database, and is no other record, nor that of the shared catalogs', () => {
    expect(readRelationMapUpdate(update(16385, 1663))).toEqual({ database: 16385, tablespace: 1663 });
    for (const other of [update(0, 1664), update(16385, 1663, 8), update(16385, 1663, 7, 0x10)])
      expect(readRelationMapUpdate(other)).toBeUndefined();
  });

  test('is damaged with less than it needs', () => {
    const short = record({ resourceManager: 7, info: 0, transaction: 7, data: main(Buffer.alloc(8)) });
    expect(() => readRelationMapUpdate(short)).toThrow(expect.objectContaining({ code: 'OBJECT_DAMAGED' }));
  });

  test('needs the directory of its database, in the part of a tablespace that is the server’s', () => {
    expect(directoryOfDatabase({ database: 5, tablespace: 1663 }, [])).toBe('base/5');
    const directories = [
      'base',
      'pg_tblspc/16400',
      'pg_tblspc/164001/PG_9',
      'pg_tblspc/16400/PG_18_202506291/4',
    ];
    const elsewhere = { database: 5, tablespace: 16400 };
    expect(directoryOfDatabase(elsewhere, directories)).toBe('pg_tblspc/16400/PG_18_202506291/5');
    expect(directoryOfDatabase(elsewhere, ['base'])).toBeUndefined();
  });
});
