import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mergeLooks } from '../../../src/backup/fingerprint/merge-looks.ts';
import { sawTheSame, type ClusterLook } from '../../../src/postgres/sql/fingerprint/look.ts';
import { compareFingerprint } from '../../../src/verify/fingerprint/compare-fingerprint.ts';
import { history, lookAt, type History } from '../../support/fingerprint/history.ts';

function fingerprintOf(past: History) {
  const before = lookAt(past, past.times.before);
  const { settledBefore } = before;
  const after = lookAt(past, past.times.after, { settledBefore });
  // as a backup does: where nothing can have changed, the first look counts twice
  return mergeLooks(before, sawTheSame(before, after) ? { ...before, activity: after.activity } : after);
}

function copyOf(past: History): ClusterLook {
  const { settledBefore } = lookAt(past, past.times.before);
  return lookAt(past, past.times.stop, { settledBefore, copy: true });
}

/** The copy with one of its objects another. */
function without(copy: ClusterLook, oid: number): ClusterLook {
  const [database] = copy.databases;
  return {
    ...copy,
    databases: [{ ...database!, objects: database!.objects.filter((object) => object.oid !== oid) }],
  };
}

describe('of any history of transactions', () => {
  test('a copy at the end of the backup agrees with the fingerprint', () => {
    fc.assert(
      fc.property(history, (past) => {
        const { schema, rows } = compareFingerprint(fingerprintOf(past), copyOf(past));
        expect([...schema.findings, ...rows.findings]).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  test('an object is missed that was there all the time', () => {
    fc.assert(
      fc.property(history, (past) => {
        const expected = fingerprintOf(past);
        for (const { oid, presence } of expected.databases[0]!.objects) {
          const { schema } = compareFingerprint(expected, without(copyOf(past), oid));
          expect(schema.findings).toHaveLength(presence === 'passing' ? 0 : 1);
        }
      }),
    );
  });

  test('a table is missed whose old rows are gone, unless a transaction may have removed all of them', () => {
    fc.assert(
      fc.property(history, (past) => {
        const emptied = copyOf({ ...past, tables: past.tables.map(() => []) });
        const expected = fingerprintOf(past);
        const full = expected.databases[0]!.objects.filter(
          ({ rows }) => rows?.kind === 'counted' && rows.least > 0,
        );
        expect(compareFingerprint(expected, emptied).rows.findings).toHaveLength(full.length);
      }),
    );
  });

  test('without changes every table is known exactly', () => {
    fc.assert(
      fc.property(history, fc.nat(100), (past, wait) => {
        // long after the last of them ended
        const before = 5000;
        const idle = { ...past, times: { before, stop: before + wait, after: before + 2 * wait } };
        const expected = fingerprintOf(idle);
        for (const { rows, presence } of expected.databases[0]!.objects) {
          expect(presence).toBe('steady');
          if (rows?.kind === 'counted') expect(rows.least).toBe(rows.most);
        }
      }),
    );
  });
});
