import { describe, expect, test } from '@jest/globals';
import { assertSupported } from '../../src/postgres/supported-version.ts';

describe('a server', () => {
  test.each([
    [150000, '15.0'],
    [180004, '18.4'],
  ])('of version %i is backed up without a word', (serverVersionNumber, serverVersion) => {
    expect(assertSupported({ serverVersionNumber, serverVersion })).toEqual([]);
  });

  test('of a newer major than those tested is backed up with a warning', () => {
    const warnings = assertSupported({ serverVersionNumber: 190000, serverVersion: '19beta1' });
    expect(warnings).toEqual([expect.stringMatching(/^PostgreSQL 19 is newer .* tested with \(18\)/)]);
  });

  test.each([
    [140022, '14.22 (Debian 14.22-1)'],
    [90624, '9.6.24'],
  ])('of version %i is refused by its name', (serverVersionNumber, serverVersion) => {
    const refuse = () => assertSupported({ serverVersionNumber, serverVersion });
    expect(refuse).toThrow(`the server is PostgreSQL ${serverVersion}; Larder backs up 15 and later`);
    expect(refuse).toThrow(expect.objectContaining({ code: 'SERVER_TOO_OLD', retryable: false }));
  });
});
