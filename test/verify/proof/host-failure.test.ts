import { expect, test } from '@jest/globals';
import { isHostsLack } from '../../../src/verify/proof/host-failure.ts';

test.each([
  'database locale is incompatible with operating system',
  'could not access file "$libdir/postgis-3": No such file or directory',
  'could not write to file "base/pgsql_tmp/pgsql_tmp7.0": No space left on device',
  `FATAL:  directory "/mnt/fast" does not exist
HINT:  Create this directory for the tablespace before restarting the server.
CONTEXT:  WAL redo at 0/3000110 for Tablespace/CREATE: 16385 "/mnt/fast"`,
])('of this host and not of the backup tells: %s', (message) => {
  expect(isHostsLack(message)).toBe(true);
});

test.each([
  'role "postgres" does not exist',
  'could not open file "base/5/16384": No such file or directory',
  `FATAL:  could not open file "base/5/16384": No such file or directory
CONTEXT:  WAL redo at 0/3000110 for Heap/INSERT: off 4`,
])('of the backup tells: %s', (message) => {
  expect(isHostsLack(message)).toBe(false);
});
