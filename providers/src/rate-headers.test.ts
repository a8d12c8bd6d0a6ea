import { apollo } from './apollo';
import { hunter } from './hunter';
import { leadmagic } from './leadmagic';
import { lusha } from './lusha';
import { peopledatalabs } from './peopledatalabs';
import { prospeo } from './prospeo';
import { readRateHeaders, type RateHeaders } from './rate-headers';
import type { Adapter } from './adapter';

const told = (adapter: Adapter, headers: Record<string, string>) =>
  readRateHeaders(adapter.rateHeaders ?? [], headers);

describe('the limits that a response tells', () => {
  it('are read as each provider documents them', () => {
    expect(
      told(leadmagic, { 'ratelimit-limit': '3000', 'ratelimit-remaining': '12', 'ratelimit-reset': '7' }),
    ).toEqual([{ perSeconds: 60, unit: 'calls', limit: 3000, remaining: 12, resetSeconds: 7 }]);
    expect(
      told(apollo, {
        'x-rate-limit-hourly': '200',
        'x-hourly-requests-left': '0',
        'x-24-hour-requests-left': '9',
      }),
    ).toEqual([
      { perSeconds: 3600, unit: 'calls', limit: 200, remaining: 0, resetSeconds: 3600 },
      { perSeconds: 86_400, unit: 'calls', limit: null, remaining: 9, resetSeconds: 3600 },
    ]);
    expect(told(lusha, { 'x-rate-limit-minute': '50', 'x-minute-requests-left': '49' })).toEqual([
      { perSeconds: 60, unit: 'calls', limit: 50, remaining: 49, resetSeconds: 60 },
    ]);
    expect(
      told(prospeo, {
        'x-second-rate-limit': '5',
        'x-daily-request-left': '10',
        'x-daily-reset-seconds': '900',
      }),
    ).toEqual([
      { perSeconds: 1, unit: 'records', limit: 5, remaining: null, resetSeconds: 1 },
      { perSeconds: 86_400, unit: 'records', limit: null, remaining: 10, resetSeconds: 900 },
    ]);
  });

  it('may stand for several windows in one header, with a moment in time', () => {
    const headers = {
      date: 'Tue, 24 Nov 2026 10:00:00 GMT',
      'x-ratelimit-limit': "{'minute': 1000, 'day': None, 'month': 100000}",
      'x-ratelimit-remaining': '{"minute": 998, "day": null}',
      'x-ratelimit-reset': '2026-11-24T10:00:41Z',
    };
    const minute = { perSeconds: 60, unit: 'calls', limit: 1000, remaining: 998, resetSeconds: 41 };
    expect(told(peopledatalabs, headers)).toEqual([minute]);
    const since1970 = String(Date.parse('2026-11-24T10:00:41Z') / 1000);
    expect(told(peopledatalabs, { ...headers, 'x-ratelimit-reset': since1970 })).toEqual([minute]);
  });

  it('are read from the standard’s headers, in both their forms, at every provider', () => {
    const minute = { perSeconds: 60, unit: 'calls', limit: 100, remaining: 50, resetSeconds: 30 };
    const newer = { ratelimit: '"default";r=50;t=30', 'ratelimit-policy': '"default";q=100;w=60' };
    const older = { ratelimit: 'limit=100, remaining=50, reset=30', 'ratelimit-policy': '100;w=60' };
    for (const headers of [newer, older]) {
      expect(told(hunter, headers)).toEqual([minute]);
      expect(told(leadmagic, headers)).toEqual([minute]);
    }
    expect(
      told(hunter, {
        ratelimit: '"second";r=0;t=1, "day";r=7;t=99999999',
        'ratelimit-policy': '"day";q=2000;w=86400, "second";q=15;w=1, "bytes";q=9;w=1;qu="content-bytes"',
      }),
    ).toEqual([
      { perSeconds: 1, unit: 'calls', limit: 15, remaining: 0, resetSeconds: 1 },
      { perSeconds: 86_400, unit: 'calls', limit: 2000, remaining: 7, resetSeconds: 86_400 },
    ]);
  });

  it('are those of the only declared window where the standard’s headers name none', () => {
    const headers = { ratelimit: '"default";r=50;t=30' };
    expect(told(leadmagic, headers)).toEqual([
      { perSeconds: 60, unit: 'calls', limit: null, remaining: 50, resetSeconds: 30 },
    ]);
    expect(told(hunter, headers)).toEqual([]);
    expect(told(apollo, headers)).toEqual([]);
  });

  it('stand once where a provider tells them in both ways', () => {
    const headers = {
      'ratelimit-limit': '3000',
      ratelimit: '"default";r=50;t=30',
      'ratelimit-policy': '"default";q=100;w=60',
    };
    expect(told(leadmagic, headers)).toMatchObject([{ perSeconds: 60, limit: 3000, remaining: null }]);
  });

  it('are nothing where the standard’s headers make no sense', () => {
    const policy = '"default";q=100;w=60';
    for (const garbage of [
      '',
      '"default"',
      '"default";r',
      '"default";r=x;t=1',
      'limit=;',
      '50',
      ';;;,,,=',
      '"a;b";r=1',
    ])
      expect(told(hunter, { ratelimit: garbage, 'ratelimit-policy': garbage })).toEqual([]);
    expect(
      told(hunter, { ratelimit: '"bytes";r=5', 'ratelimit-policy': `"bytes";q=9;w=1;qu="content-bytes"` }),
    ).toEqual([]);
    expect(told(hunter, { ratelimit: '"other";r=5;t=1', 'ratelimit-policy': policy })).toEqual([]);
    expect(told(hunter, { ratelimit: `"default";r=${'9'.repeat(500)}`, 'ratelimit-policy': policy })).toEqual(
      [],
    );
  });

  it('are nothing where they are absent or no limits', () => {
    const names: RateHeaders = { perSeconds: 60, unit: 'calls', limit: 'l', remaining: 'r', reset: 's' };
    const read = (headers: Record<string, string>) => readRateHeaders([names], headers);
    for (const garbage of [
      '',
      '-1',
      'NaN',
      '1e9',
      '0x10',
      '∞',
      '9'.repeat(40),
      '5 apples',
      '\0',
      '{"minute":',
    ])
      expect(read({ l: garbage, r: garbage })).toEqual([]);
    expect(read({})).toEqual([]);
    expect(read({ l: '0' })).toEqual([]);
    expect(read({ l: '0', r: '0' })).toMatchObject([{ limit: null, remaining: 0 }]);
    expect(read({ l: '100, 100;w=60', r: '9' })).toMatchObject([{ limit: 100, remaining: 9 }]);
  });

  it('reset after the window’s own length at the latest', () => {
    const names: RateHeaders = { perSeconds: 60, unit: 'calls', remaining: 'r', reset: 's' };
    const resetOf = (s: string) => readRateHeaders([names], { r: '0', s })[0]?.resetSeconds;
    expect(resetOf('315360000')).toBe(60);
    expect(resetOf('9999-01-01T00:00:00Z')).toBe(60);
    expect(resetOf('2001-01-01T00:00:00Z')).toBe(0);
    expect(resetOf('garbage')).toBe(60);
    expect(resetOf('2.5')).toBe(2.5);
  });
});
