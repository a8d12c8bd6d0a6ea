import { createApiKey, hashApiKey, parseApiKey } from './api-key';

describe('API keys', () => {
  it('gives keys that it recognises, each another', () => {
    const keys = Array.from({ length: 200 }, () => createApiKey());
    expect(new Set(keys.map(({ key }) => key)).size).toBe(200);
    for (const { key, hash, prefix } of keys) {
      expect(key).toMatch(/^lw_[A-Za-z0-9_-]{49}$/);
      expect(Buffer.from(key.slice(3, -6), 'base64url')).toHaveLength(256 / 8);
      expect(parseApiKey(key)).toEqual(hash);
      expect(key.startsWith(prefix)).toBe(true);
      expect(hashApiKey(key)).toHaveLength(32);
    }
  });

  it('refuses a key with any one character changed', () => {
    const { key } = createApiKey();
    for (let at = 3; at < key.length; at++) {
      const changed = key.slice(0, at) + (key[at] === 'A' ? 'B' : 'A') + key.slice(at + 1);
      expect(parseApiKey(changed)).toBeNull();
    }
  });

  it.each([
    '',
    'lw_',
    'lw_short',
    `lw_${'é'.repeat(49)}`,
    ` ${createApiKey().key}`,
    `${createApiKey().key}\n`,
  ])('refuses what has not the form of a key: %j', (text) => expect(parseApiKey(text)).toBeNull());
});
