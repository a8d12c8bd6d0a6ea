/**
 * Which test file starts when. Jest starts the longest first, by the seconds of earlier runs; where it knows none, as on a
 * fresh clone, by their sizes. A file that starts processes takes longer than any that does not, however short its text:
 * started last, it would run alone while the other workers have nothing left to do.
 */
const { readFileSync } = require('node:fs');
const path = require('node:path');

// Jest's own: no version of it but the one that runs.
const jestCore = path.dirname(require.resolve('@jest/core', { paths: [require.resolve('jest')] }));
const { default: Sequencer } = require(require.resolve('@jest/test-sequencer', { paths: [jestCore] }));

const STARTS_PROCESSES = /support\/(deployment|own-servers|run-cli)'|from 'node:child_process'/;

class LongestFirst extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    if (sorted.some(({ duration }) => duration !== undefined)) return sorted;
    const isLong = ({ path }) => STARTS_PROCESSES.test(readFileSync(path, 'utf8'));
    const long = sorted.filter(isLong);
    return [...long, ...sorted.filter((test) => !long.includes(test))];
  }
}

module.exports = LongestFirst;
