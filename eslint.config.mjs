import n from 'eslint-plugin-n';
import tseslint from 'typescript-eslint';

/** A border: files of `room` may not import what matches `patterns`; the message says why. */
function border(files, rules, always = [testingOnly]) {
  return {
    files,
    ignores: ['**/*.test.ts', 'shared/src/testing/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [...rules, ...always].map(([regex, message]) => ({ regex, message })) },
      ],
    },
  };
}

const testingOnly = [
  '/testing/|^@leadwell/(harness|shared/testing)',
  'Only tests, harness, chaos, bench import shared/testing and harness: they start servers and drop databases.',
];
const noProcess = [
  '^@leadwell/(api|worker|cli|sandbox|chaos|bench)',
  'Processes share through shared/ and providers/ only, so that each deploys and restarts alone.',
];

export default tseslint.config(
  { ignores: ['**/dist/', '**/node_modules/', '.data/', '**/*.mjs', '**/*.js'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { n },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-console': 'error',
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'n/no-extraneous-import': 'error',
    },
  },
  border(
    ['shared/src/**'],
    [noProcess, ['^@leadwell/', 'shared/ is below every other workspace and imports none.']],
  ),
  border(
    ['shared/src/domain/**'],
    [
      noProcess,
      ['^\\.\\./', 'domain/ is pure: it imports nothing of ours, so that everything may import it.'],
      ['^(knex|pg|bullmq|ioredis|express)', 'domain/ is pure: no database, queue or HTTP.'],
    ],
  ),
  border(
    ['providers/src/**'],
    [
      noProcess,
      [
        '^(knex|pg|bullmq|ioredis|undici)',
        'Adapters do no I/O: the worker calls, within limits and deadlines.',
      ],
    ],
  ),
  border(['api/src/**', 'worker/src/**', 'sandbox/src/**', 'cli/src/**'], [noProcess]),
  border(
    ['migrations/src/**'],
    [['^@leadwell/', 'Migrations must run unchanged for ever: they import no code that changes.']],
  ),
  border(
    ['harness/src/**', 'chaos/src/**'],
    [
      [
        '^@leadwell/(api|worker|cli|bench)',
        'These start the processes as they are run, from outside, and import none of their code.',
      ],
    ],
    [],
  ),
  {
    files: ['**/*.test.ts', 'shared/src/testing/**', 'tests/**'],
    rules: { 'max-lines-per-function': 'off', 'n/no-extraneous-import': 'off' },
  },
  {
    files: ['cli/src/**', 'sandbox/src/main.ts', 'chaos/src/main.ts', 'chaos/src/report.ts'],
    rules: { 'no-console': 'off' },
  },
);
