import { expect, test } from '@jest/globals';
import { parseServerVersion } from '../../../src/postgres/server/find-binaries.ts';

test.each([
  ['postgres (PostgreSQL) 17.10\n', { major: 17, version: '17.10' }],
  ['postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n', { major: 15, version: '15.18' }],
  ['postgres (PostgreSQL) 19beta2\n', { major: 19, version: '19beta2' }],
  ['postgres (PostgreSQL) 20devel\n', { major: 20, version: '20devel' }],
  ['gpdb 7.1\n', undefined],
])('the version in %j is %j', (output, version) => {
  expect(parseServerVersion(output)).toEqual(version);
});
