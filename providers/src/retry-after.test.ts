import { readRetryAfter } from './retry-after';

const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toUTCString();

describe('readRetryAfter', () => {
  it.each([
    ['7', 7],
    ['0', 0],
    [' 12 ', 12],
    ['1.2', 2],
    ['315360000', 3600],
    ['999999999999999', 3600],
  ])('reads %j as seconds, at most an hour', (text, seconds) => {
    expect(readRetryAfter({ 'retry-after': text })).toBe(seconds);
  });

  it.each([
    '',
    'soon',
    '-5',
    '1e3',
    'NaN',
    '0x10',
    '5 minutes',
    'Tomorrow',
    'Mon',
    '9'.repeat(500),
    'Mon '.repeat(9999),
  ])('says nothing for %.20j', (text) => {
    expect(readRetryAfter({ 'retry-after': text })).toBeNull();
  });

  it('reads a date, at most an hour and never below 0', () => {
    expect(readRetryAfter({ 'retry-after': inSeconds(30) })).toBeGreaterThanOrEqual(28);
    expect(readRetryAfter({ 'retry-after': inSeconds(30) })).toBeLessThanOrEqual(31);
    expect(readRetryAfter({ 'retry-after': inSeconds(10 * 365 * 86_400) })).toBe(3600);
    expect(readRetryAfter({ 'retry-after': inSeconds(-90) })).toBe(0);
  });

  it('counts a date from the response’s own clock', () => {
    const headers = { date: 'Mon, 23 Nov 2026 10:00:00 GMT', 'retry-after': 'Mon, 23 Nov 2026 10:00:45 GMT' };
    expect(readRetryAfter(headers)).toBe(45);
  });

  it('falls back to the reset headers, in their order', () => {
    expect(readRetryAfter({ 'ratelimit-reset': '9' })).toBe(9);
    expect(readRetryAfter({ 'retry-after': '3', 'ratelimit-reset': '9' })).toBe(3);
    expect(readRetryAfter({ a: 'x', b: '99999' }, ['a', 'b'])).toBe(3600);
    expect(readRetryAfter({})).toBeNull();
  });

  it('falls back to the windows that the standard’s header calls used up, the latest of them', () => {
    const headers = { ratelimit: '"second";r=0;t=1, "minute";r=0;t=41, "day";r=12;t=5000' };
    expect(readRetryAfter(headers)).toBe(41);
    expect(readRetryAfter({ ...headers, 'retry-after': '3' })).toBe(3);
    expect(readRetryAfter({ ratelimit: '"minute";r=5;t=41' })).toBeNull();
  });
});
