import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  readCommandTag,
  readDataRow,
  readServerMessage,
} from '../../../src/postgres/replication/message-bodies.ts';
import { commandComplete, dataRow, report } from '../../support/server-messages.ts';

const HEADER = 5;
const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));

describe('a row', () => {
  test('is read back, NULL apart from the empty text', () => {
    const columns = fc.array(fc.option(fc.string({ unit: 'grapheme' })), { maxLength: 10 });
    fc.assert(fc.property(columns, (row) => expect(readDataRow(dataRow(row).subarray(HEADER))).toEqual(row)));
  });

  test('is refused when it ends too early or cannot be one', () => {
    const body = dataRow(['16/B374D848', null, '1']).subarray(HEADER);
    for (let length = 0; length < body.length; length++)
      expect(() => readDataRow(body.subarray(0, length))).toThrow(
        'the server sent a row that cannot be read',
      );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          readDataRow(Buffer.from(bytes));
        } catch (error) {
          expect(error).toMatchObject({ code: 'PROTOCOL_VIOLATION' });
        }
      }),
    );
  });
});

describe('what the server reports', () => {
  test('is read by its fields, in any order, unknown ones passed over', () => {
    const fields = fc.record({ V: text, C: text, M: text, D: text, H: text, z: text, S: text });
    fc.assert(
      fc.property(fields, (values) => {
        const shuffled = Object.fromEntries(Object.entries(values).toReversed());
        expect(readServerMessage(report('E', shuffled).subarray(HEADER))).toEqual({
          severity: values.V,
          code: values.C,
          message: values.M,
          detail: values.D,
          hint: values.H,
        });
      }),
    );
  });

  test('has a severity and a code also when the server leaves them out', () => {
    expect(readServerMessage(Buffer.from('Mboom\0\0'))).toEqual({
      severity: 'ERROR',
      code: 'XX000',
      message: 'boom',
    });
    expect(readServerMessage(Buffer.from('SFEHLER\0\0')).severity).toBe('FEHLER');
    expect(() => readServerMessage(Buffer.from('Mboom'))).toThrow('an error message that cannot be read');
  });
});

test('a command tag ends at its zero', () => {
  expect(readCommandTag(commandComplete('BASE_BACKUP').subarray(HEADER))).toBe('BASE_BACKUP');
  expect(readCommandTag(Buffer.from('SELECT'))).toBe('SELECT');
});
