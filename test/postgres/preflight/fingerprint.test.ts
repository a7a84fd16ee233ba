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

  test('names the databases that the role may not connect to', () => {
    const row = fingerprintRow({ ...access, closed: ['shop', 'a"b'], readsTables: false });
    expect(row).toMatchObject({
      state: 'warning',
      mend: 'GRANT CONNECT ON DATABASE "shop" TO "larder"; GRANT CONNECT ON DATABASE "a""b" TO "larder";',
    });
    expect(row.found).toContain('shop, a"b');
  });
});
