import { hashQuestion } from './question';
import { foldRuns, foldText, foldValue, foldWords } from './text-folding';

describe('folding', () => {
  it.each([
    ['accents', 'José Núñez', 'JOSE NUNEZ'],
    ['accents written apart', 'Jose\u0301', 'José'],
    ['letters with strokes', 'ŁÓDŹ Ørsted Đorđe', 'lodz orsted dorde'],
    ['ligatures', 'Straße Æsop Œuvre ﬁn', 'strasse aesop oeuvre fin'],
    ['the dotless i', 'İPEK Yıldız', 'ipek yildiz'],
    ['a final sigma', 'Δήμος', 'ΔΗΜΟΣ'],
    ['ё and й', 'Ёлкин Андрей', 'елкин андреи'],
    ['Arabic vowel points', 'مُحَمَّد', 'محمد'],
    ['Arabic hamza', 'أحمد', 'احمد'],
    ['a stretched Arabic word', 'محـــمد', 'محمد'],
    ['Hebrew points', 'שָׁלוֹם', 'שלום'],
    ['full width', 'Ａｂｃ １２', 'abc 12'],
    ['half-width kana', 'ｶﾞｸ', 'ガク'],
    ['soft hyphens and joiners', 'co\u00adop\u200d\u200b', 'coop'],
    ['marks of direction', '\u200fمحمد\u200e', 'محمد'],
    ['white space', '  Ada\u00a0\t Byron ', 'ada byron'],
  ])('overlooks %s', (_what, one, other) => {
    expect(foldValue(one)).toBe(foldValue(other));
    expect(foldWords(one)).toEqual(foldWords(other));
  });

  it.each([
    ['Hindi', 'राम', 'रोमी'],
    ['Hindi', 'रीमा', 'रमा'],
    ['Tamil', 'ராம', 'ரோம'],
    ['Bengali', 'রাম', 'রিম'],
    ['Thai', 'นิด', 'นุด'],
    ['Burmese', 'ကို', 'ကူ'],
    ['Japanese', 'がく', 'かく'],
    ['Japanese', 'ゼン', 'セン'],
    ['Korean', '김', '기'],
    ['Chinese', '王', '玉'],
  ])('tells %s names apart: %s is not %s', (_script, one, other) => {
    expect(foldValue(one)).not.toBe(foldValue(other));
    expect(foldWords(one)).not.toEqual(foldWords(other));
    const question = (firstName: string) =>
      hashQuestion({ form: 'name_domain', firstName, lastName: 'x', domain: 'acme.com' });
    expect(question(one)).not.toEqual(question(other));
  });

  it.each([
    ['हिन्दी भाषा', [['हिन्दी'], ['भाषा']]],
    ['สวัสดี', [['สวัสดี']]],
    ['软件3D工程', [['软', '件', '3d', '工', '程']]],
    ['ガクver2', [['ガ', 'ク', 'ver2']]],
    ['김철수 Иван', [['김철수'], ['иван']]],
    ["O'Brien-Smith & Co.", [['o'], ['brien'], ['smith'], ['co']]],
    ['🦄 👩‍💻 1️⃣ % _ \\ \' "', [['1']]],
    ['', []],
  ])('finds the words of %s', (text, runs) => {
    expect(foldRuns(text)).toEqual(runs);
  });

  it('changes nothing the second time, whatever the character', () => {
    for (let code = 1; code < 0x110000; code++) {
      // Lone surrogates are refused at the border; planes 4 to 13 hold nothing.
      if ((code >= 0xd800 && code <= 0xdfff) || (code >= 0x40000 && code < 0xe0000)) continue;
      const once = foldText(`a${String.fromCodePoint(code)}b`);
      if (foldText(once) !== once) throw new Error(`U+${code.toString(16)}: ${once}, then ${foldText(once)}`);
    }
  });

  it('leaves in a word nothing that a tsquery would read as its own', () => {
    const ascii = Array.from({ length: 127 }, (_, i) => String.fromCharCode(i + 1)).join('');
    for (let plane = 0; plane < 4; plane++) {
      const all = Array.from({ length: 0x10000 }, (_, i) => plane * 0x10000 + i)
        .filter((code) => code < 0xd800 || code > 0xdfff)
        .map((code) => String.fromCodePoint(code));
      for (const word of foldWords(ascii + all.join('x '))) {
        if (/['\\:*&|!()<>\s\0]/.test(word)) throw new Error(`a word is ${JSON.stringify(word)}`);
      }
    }
  });
});
