import { describe, expect, test } from '@jest/globals';
import { mayMakeTablespace, readTablespaceCreation } from '../../src/postgres/wal-tablespace-creation.ts';
import { main, record, u32 } from '../support/wal-record-parts.ts';

function creation(path: string, resourceManager = 5, info = 0x00) {
  const data = Buffer.concat([u32(16400), Buffer.from(path)]);
  return record({ resourceManager, info, transaction: 7, data: main(data) });
}

describe('the creation of a tablespace', () => {
  test('is read with its number and its directory, and is no other record', () => {
    expect(readTablespaceCreation(creation('/mnt/schnell ü\0'))).toEqual({
      oid: 16400,
      location: '/mnt/schnell ü',
    });
    expect(readTablespaceCreation(creation('\0'))).toEqual({ oid: 16400, location: '' });
    // the lowest bits are the record format's own
    expect(readTablespaceCreation(creation('/mnt\0', 5, 0x01))).toMatchObject({ location: '/mnt' });
    for (const other of [creation('/mnt\0', 4), creation('/mnt\0', 5, 0x10)])
      expect(readTablespaceCreation(other)).toBeUndefined();
  });

  test.each([
    ['without an end', '/mnt'],
    ['without a path', ''],
  ])('is damaged %s', (_, path) => {
    expect(() => readTablespaceCreation(creation(path))).toThrow(
      expect.objectContaining({ code: 'OBJECT_DAMAGED' }),
    );
  });

  test('cannot be told from fewer bytes than lead up to the resource manager', () => {
    const { bytes } = creation('/mnt\0');
    for (let length = 0; length <= bytes.length; length++)
      expect(mayMakeTablespace(bytes.subarray(0, length))).toBe(true);
    expect(mayMakeTablespace(creation('/mnt\0', 10).bytes.subarray(0, 17))).toBe(true);
    expect(mayMakeTablespace(creation('/mnt\0', 10).bytes.subarray(0, 18))).toBe(false);
  });
});
