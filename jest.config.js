/** Tests run from the sources; only the servers they use, and tests over processes, need a build. */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['/dist/', '<rootDir>/.data/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  moduleNameMapper: { '^@leadwell/([^/]+)/(.*)$': '<rootDir>/$1/src/$2' },
  globalSetup: '<rootDir>/shared/src/testing/global-setup.ts',
  globalTeardown: '<rootDir>/shared/src/testing/global-teardown.ts',
  testSequencer: '<rootDir>/jest.sequencer.js',
  maxWorkers: 2,
  // A bound on hangs, not on a busy machine.
  testTimeout: 180_000,
};
