import { FailureSample } from './failure-sample';
import { RetryBudget } from './retry-budget';

describe('a retry budget', () => {
  it('adds at most a tenth to the calls of a provider that is down', () => {
    const budget = new RetryBudget();
    let retries = 0;
    for (let calls = 1; calls <= 1000; calls++) {
      budget.record(false);
      if (budget.take()) retries++;
      if (calls >= 10) expect(retries).toBeLessThanOrEqual(calls / 10);
    }
    expect(retries).toBeGreaterThan(40);
  });

  it('retries every fault of a provider that fails one call in ten', () => {
    const budget = new RetryBudget();
    for (let calls = 1; calls <= 200; calls++) {
      budget.record(calls % 10 !== 0);
      if (calls % 10 === 0) expect(budget.take()).toBe(true);
    }
  });
});

describe('a sample of failures', () => {
  it('calls a provider down from five failures that are half of the last ten seconds', () => {
    let nowMs = 0;
    const sample = new FailureSample(() => nowMs);
    for (let i = 0; i < 6; i++) sample.record(false);
    for (let i = 0; i < 5; i++) sample.record(true);
    expect(sample.isDown).toBe(false);
    sample.record(true);
    expect(sample.isDown).toBe(true);
    nowMs = 10_001;
    expect(sample.isDown).toBe(false);
    for (let i = 0; i < 4; i++) sample.record(true);
    expect(sample.isDown).toBe(false);
  });
});
