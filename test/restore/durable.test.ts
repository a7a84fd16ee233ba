import { expect, test } from '@jest/globals';
import { reportsWriteBackErrors } from '../../src/restore/durable.ts';

test.each([
  ['6.18.44-fc-v595', true],
  ['5.8.0', true],
  ['5.10.0-30-amd64', true],
  ['5.7.19', false],
  ['4.18.0-553.el8_10.x86_64', false],
  ['unknown', false],
])('a kernel %s is trusted to report what syncfs could not write: %s', (kernel, trusted) => {
  expect(reportsWriteBackErrors(kernel)).toBe(trusted);
});
