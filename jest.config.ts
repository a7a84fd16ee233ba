import type { Config } from 'jest';

/** Node 24 strips the types and jest runs the modules as they are: no transformer, no build. */
const shared: Config = {
  testEnvironment: 'node',
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
};

const long = process.env['LARDER_TEST_LONG'] === '1';

const config: Config = {
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts'],
  maxWorkers: 2,
  // jest's five seconds are about a busy machine, not about the code: what must be quick is measured by the test itself
  testTimeout: 30_000,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      roots: ['<rootDir>/test'],
      testMatch: ['**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/test/integration/', '/test/containers/', '/test/long/'],
    },
    {
      ...shared,
      displayName: 'integration',
      roots: ['<rootDir>/test/integration'],
      testMatch: ['**/*.test.ts'],
    },
    {
      ...shared,
      displayName: 'containers',
      roots: ['<rootDir>/test/containers'],
      testMatch: ['**/*.test.ts'],
    },
    ...(long
      ? [{ ...shared, displayName: 'long', roots: ['<rootDir>/test/long'], testMatch: ['**/*.test.ts'] }]
      : []),
  ],
};

export default config;
