import { networkOf } from './failure-limit';
import { RecentKeys } from './recent-keys';

describe('networkOf', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:DB8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    [undefined, ''],
  ])('takes %s for the network %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it('keeps what is no address short', () => {
    expect(networkOf('x'.repeat(10_000))).toHaveLength(64);
  });
});

describe('RecentKeys', () => {
  it('forgets the key that was seen longest ago, and one that is refused', () => {
    const keys = new RecentKeys(2);
    const [a, b, c] = ['a', 'b', 'c'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];
    keys.set(a, true);
    keys.set(b, true);
    keys.set(a, true);
    keys.set(c, true);
    expect([a, b, c].map((key) => keys.has(key))).toEqual([true, false, true]);
    keys.set(a, false);
    expect(keys.has(a)).toBe(false);
    expect(keys.has(null)).toBe(false);
  });
});
