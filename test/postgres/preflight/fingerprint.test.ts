import { describe, expect, test } from '@jest/globals';
import { fingerprintRow } from '../../../src/postgres/preflight/fingerprint.ts';

const access = { role: 'larder', closed: [], readsTables: true };

describe('the row of the fingerprint', () => {
  test('is green for a role that may look at everything', () => {
    expect(fingerprintRow(access).state).toBe('ok');
  });

  test('says how to let the role count rows', () => {
    expect(fingerprintRow({ ...access, readsTables: false })).toMatchObject({
      state: 'warning',
      mend: 'GRANT pg_read_all_data TO "larder";',
    });
  });

  test('names the databases that the role cannot connect to, and why', () => {
    const closed = [
      { database: 'shop', granted: true, why: 'no line' },
      { database: 'a"b', granted: false, why: 'no right' },
    ];
    const row = fingerprintRow({ ...access, closed, readsTables: false });
    expect(row).toMatchObject({
      state: 'warning',
      mend: 'GRANT CONNECT ON DATABASE "a""b" TO "larder"; and a line in pg_hba.conf for larder and these databases',
    });
    expect(row.found).toMatch(/shop, a"b: .* \(no line\)$/);
  });
});
