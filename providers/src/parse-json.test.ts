import { parseJson } from './parse-json';

describe('the body of a response', () => {
  it.each([
    ['{"id":-6763434991299099720}', { id: '-6763434991299099720' }],
    [
      '[9007199254740991,9007199254740992,-9007199254740992]',
      [9007199254740991, '9007199254740992', '-9007199254740992'],
    ],
    ['9223372036854775807', '9223372036854775807'],
    ['{"a":{"b":[ 1039995589705121901 ]} , "c":1}', { a: { b: ['1039995589705121901'] }, c: 1 }],
    [
      '[12345678901234567890.5, 1e25, -1234567890123456789E2]',
      [12345678901234567890.5, 1e25, -1.234567890123456789e20],
    ],
    ['0000000000000000001', undefined],
    ['{"9007199254740993":9007199254740993}', { '9007199254740993': '9007199254740993' }],
  ])('keeps integers that a number cannot hold, digit by digit: %s', (text, value) => {
    expect(parseJson(text)).toEqual(value);
  });

  it.each([
    [
      String.raw`{"a":"-6763434991299099720","b":"\"9007199254740993","c":"\\","d":9007199254740993}`,
      { a: '-6763434991299099720', b: '"9007199254740993', c: '\\', d: '9007199254740993' },
    ],
    [
      String.raw`["\\\"",9007199254740993,"x:9007199254740993,\\",[9007199254740993]]`,
      ['\\"', '9007199254740993', 'x:9007199254740993,\\', ['9007199254740993']],
    ],
    [
      String.raw`["A9007199254740993\u0022",":9007199254740993"]`,
      ['A9007199254740993"', ':9007199254740993'],
    ],
  ])('leaves strings as they are: %s', (text, value) => {
    expect(parseJson(text)).toEqual(value);
  });

  it.each([
    '',
    'x',
    '{"id":9007199254740993',
    '[9007199254740993,]',
    '<html>9007199254740993</html>',
    '"a\n9007199254740993"',
  ])('is nothing where it is no JSON: %j', (text) => expect(parseJson(text)).toBeUndefined());

  it('holds no key that would change a prototype, however it is written', () => {
    for (const key of ['__proto__', String.raw`\u005f_proto__`, String.raw`__pro\u0074o__`]) {
      const parsed = parseJson(`{"${key}":{"email":"x"},"id":9007199254740993}`);
      expect(Object.keys(parsed as object)).toEqual(['id']);
      expect((parsed as { email?: string }).email).toBeUndefined();
    }
  });

  it('is read however deep it is, and never throws', () => {
    const deep = `${'['.repeat(200_000)}9007199254740993${']'.repeat(200_000)}`;
    expect(Array.isArray(parseJson(deep))).toBe(true);
    for (const part of ['"', '\\', '9', '-9007199254740993,', '"9007199254740993",']) {
      const filled = part.repeat(20_000);
      expect(parseJson(filled)).toBe(part === '9' ? filled : undefined);
      expect(parseJson(JSON.stringify([filled]).replace(']', ',9007199254740993]'))).toEqual([
        filled,
        '9007199254740993',
      ]);
    }
  });
});
