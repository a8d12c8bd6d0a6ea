import { createRepeatFilter } from './repeat-filter';

it('writes five lines of a text in ten seconds, and says later how many it held back', () => {
  let nowMs = 0;
  const filter = createRepeatFilter(() => nowMs);
  const at = (timeMs: number, text: string): number | null => {
    nowMs = timeMs;
    return filter(text);
  };
  expect(Array.from({ length: 8 }, (_, index) => at(index, 'queue'))).toEqual([
    ...[0, 0, 0, 0, 0],
    ...[null, null, null],
  ]);
  expect(at(9, 'leases')).toBe(0);
  expect([at(10_000, 'queue'), at(10_001, 'queue')]).toEqual([3, 0]);
});
