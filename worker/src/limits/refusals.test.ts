import type { Provider } from '@leadwell/providers/provider';
import type { BookingReply } from '@leadwell/shared/repositories/provider-limits';
import { refusalOf } from './refusals';

const provider = { name: 'hunter', maxWaitSeconds: 60 } as Provider;
const reply: BookingReply = {
  ...{ clockMs: 0, granted: 0, departures: [], recordsAtMost: null, keptPlaces: 0 },
  ...{ waitsFor: 'breaker', waitMs: 250, breakerKind: 'down', breakerReason: 'It did not answer.' },
};

it('a provider that is down or out of credit is passed over, one that said "too fast" is waited for', () => {
  expect(refusalOf(reply, provider)).toMatchObject({ reason: 'breaker_open', retryAfterSeconds: 1 });
  expect(refusalOf({ ...reply, breakerKind: 'rate' }, provider)).toBeUndefined();
  expect(refusalOf({ ...reply, breakerKind: 'rate', waitMs: 61_000 }, provider)).toMatchObject({
    reason: 'too_long',
  });
});

it('a breaker that opened while calls were booked is looked at again before anybody passes the provider over', () => {
  const opened = { ...reply, breakerKind: null, breakerReason: null };
  expect(refusalOf(opened, provider)).toBeUndefined();
  expect(refusalOf({ ...opened, waitMs: 300_000 }, provider)).toBeUndefined();
});
