import { findWorkerFault, type Heartbeat } from './heartbeat-file';

const NOW = 1_000_000_000;
const job = (atWork: number, takenSecondsAgo: number) => ({ atWork, takenMs: NOW - takenSecondsAgo * 1000 });
const beat = (change: Partial<Heartbeat>): Heartbeat => ({
  turnedMs: NOW - 2_000,
  concurrency: 4,
  jobs: { emails: job(0, 3_600), phones: job(0, 3_600) },
  ...change,
});

describe('a worker is well', () => {
  it.each([
    ['idle for an hour, with nothing to do', beat({}), []],
    [
      'busy with as much as it may take',
      beat({ jobs: { emails: job(4, 600), phones: job(0, 1) } }),
      ['emails'],
    ],
    ['one that has just taken a job', beat({ jobs: { emails: job(0, 5), phones: job(0, 600) } }), ['emails']],
  ] as const)('%s', (_, state, waiting) => {
    expect(findWorkerFault(state, waiting, NOW)).toBeNull();
  });
});

describe('a worker is not well', () => {
  it.each([
    ['without a heartbeat', undefined, [], /no heartbeat/],
    ['whose relay stands still', beat({ turnedMs: NOW - 121_000 }), [], /last turned 121 s ago: restart/],
    ['idle while work waits', beat({}), ['phones'], /^Batches \(phones\) wait in the queue/],
  ] as const)('%s', (_, state, waiting, sentence) => {
    expect(findWorkerFault(state, waiting, NOW)).toMatch(sentence);
  });
});
