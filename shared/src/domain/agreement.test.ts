import { agreedConfidence, bestFinding, joinFindings, type Finding } from './agreement';

function said(provider: string, confidence: number | null, change: Partial<Finding> = {}): Finding {
  return { provider, confidence, verdict: 'deliverable', foundAt: '2026-01-01T00:00:00.000Z', ...change };
}

describe('agreement between providers', () => {
  it.each([
    ['one that states it', [0.7], 0.7],
    ['one that states nothing', [null], null],
    ['two', [0.7, 0.6], 0.85],
    ['two in the other order', [0.6, 0.7], 0.85],
    ['three', [0.7, 0.6, null], 0.925],
    ['two that state nothing', [null, null], 0.75],
    ['many, up to the cap', [0.9, 0.9, 0.9, 0.9, 0.9], 0.99],
    ['two, one of which is surer than the cap', [1, 0.5], 1],
    ['a second that doubts', [0.8, 0], 0.9],
  ])('makes of %s what the rule says', (_, confidences, expected) => {
    const findings = confidences.map((confidence, index) => said(`p${index}`, confidence));
    const confidence = agreedConfidence(findings);
    if (expected === null) expect(confidence).toBeNull();
    else expect(confidence).toBeCloseTo(expected, 10);
  });

  it('lets the best verdict speak, then the surest, then the earliest', () => {
    const risky = said('risky', 0.9, { verdict: 'risky' });
    const early = said('early', 0.5);
    const late = said('late', 0.5, { foundAt: '2026-02-01T00:00:00.000Z' });
    const unstated = said('unstated', null, { foundAt: '2025-01-01T00:00:00.000Z' });
    expect(bestFinding([risky, late, unstated, early]).provider).toBe('early');
    expect(bestFinding([unstated, risky]).provider).toBe('unstated');
  });

  it('never counts one provider twice', () => {
    const findings = joinFindings([said('a', 0.5)], [said('a', 0.6), said('b', 0.4)]);
    expect(findings.map(({ provider, confidence }) => [provider, confidence])).toEqual([
      ['a', 0.6],
      ['b', 0.4],
    ]);
    expect(joinFindings(findings, findings)).toEqual(findings);
  });
});
