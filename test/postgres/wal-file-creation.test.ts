import { describe, expect, test } from '@jest/globals';
import { filesOfRelation, readInitForkCreation } from '../../src/postgres/wal-file-creation.ts';
import { main, record } from '../support/wal-record-parts.ts';

function creation(fork: number, resourceManager = 2, info = 0x10) {
  const data = Buffer.alloc(16);
  [1663, 5, 16384].forEach((number, i) => data.writeUInt32LE(number, 4 * i));
  data.writeInt32LE(fork, 12);
  return record({ resourceManager, info, transaction: 0, data: main(data) });
}

describe('the creation of an init fork', () => {
  test('is read with the numbers of its relation, and is no other record', () => {
    expect(readInitForkCreation(creation(3))).toEqual({ tablespace: 1663, database: 5, relation: 16384 });
    for (const other of [creation(0), creation(2), creation(3, 1), creation(3, 2, 0x20)])
      expect(readInitForkCreation(other)).toBeUndefined();
  });

  test('is damaged with other content', () => {
    const short = record({ resourceManager: 2, info: 0x10, transaction: 0, data: main(Buffer.alloc(12)) });
    expect(() => readInitForkCreation(short)).toThrow(expect.objectContaining({ code: 'OBJECT_DAMAGED' }));
  });
});

test('the files of a relation are its forks but the init fork, wherever it lies', () => {
  const own = filesOfRelation({ tablespace: 1663, database: 5, relation: 16384 });
  for (const path of ['base/5/16384', 'base/5/16384.1', 'base/5/16384_vm', 'base/5/16384_fsm.2'])
    expect(path).toMatch(own);
  for (const path of ['base/5/16384_init', 'base/5/163840', 'base/51/16384', 'xbase/5/16384'])
    expect(path).not.toMatch(own);
  const elsewhere = filesOfRelation({ tablespace: 16400, database: 5, relation: 7 });
  expect('pg_tblspc/16400/PG_17_202406281/5/7').toMatch(elsewhere);
  expect('base/5/7').not.toMatch(elsewhere);
});
