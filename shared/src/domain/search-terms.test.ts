import { markWord, searchTermsOf, termOf, type SearchableLead } from './search-terms';
import { foldText, foldWords } from './text-folding';

const NOBODY: SearchableLead = {
  fullName: '',
  jobTitle: null,
  seniority: null,
  city: null,
  country: null,
  linkedinUrl: null,
  departments: [],
  functions: [],
  skills: [],
  languages: [],
  socialLinks: [],
  previousCompanies: [],
  company: null,
};

describe('what is indexed of a lead', () => {
  it('marks words with their field and leaves a gap between fields and between elements', () => {
    const { words } = searchTermsOf({
      ...NOBODY,
      fullName: 'Ada Ada Byron',
      skills: ['Go', 'Machine Learning'],
    });
    expect(words).toBe("'n_ada':1,2 'n_byron':3 's_go':20 's_machine':25 's_learning':26");
  });

  it('marks whole values with their field, each once', () => {
    const { terms } = searchTermsOf({
      ...NOBODY,
      fullName: 'José  Núñez',
      country: 'ESPAÑA',
      skills: ['C++', 'c++'],
      linkedinUrl: 'https://de.linkedin.com/in/Jos%C3%A9/?trk=x',
      company: { name: 'Acme', domain: 'www.Acme.com', industry: null, city: null, country: null },
    });
    expect(terms).toEqual([
      'name=jose nunez',
      'country=espana',
      'skill=c++',
      'social=linkedin.com/in/jose',
      'social=linkedin',
      'company=acme',
      'company-domain=acme.com',
    ]);
  });

  it.each([
    ['LinkedIn', 'social=linkedin'],
    ['https://www.linkedin.com/', 'social=linkedin'],
    ['twitter.com', 'social=x'],
    ['https://x.com/ada?lang=en', 'social=x.com/ada'],
    ['http://linkedin.com/in/ada/', 'social=linkedin.com/in/ada'],
  ])('knows the social link %s as %s', (link, term) => {
    expect(termOf('social', link)).toBe(term);
  });

  it('keeps terms short and tells long values apart', () => {
    const [first, second] = ['a', 'b'].map((end) => termOf('title', 'x'.repeat(400) + end));
    expect(first).not.toBe(second);
    expect(first!.length).toBeLessThan(40);
  });

  it('stays within what a tsvector takes, however much a lead has', () => {
    const many = Array.from({ length: 100 }, (_, i) =>
      Array.from({ length: 250 }, (_, j) => String.fromCodePoint(0x20000 + i * 250 + j)).join(''),
    );
    const { words } = searchTermsOf({
      ...NOBODY,
      fullName: 'same '.repeat(400),
      skills: [...many, ...many.map((value, i) => `${'w'.repeat(4000)}${i} ${value}`)],
    });
    const positions = [...words.matchAll(/:([\d,]+)/g)].map((match) => match[1]!.split(',').map(Number));
    expect(Math.max(...positions.map((at) => at.length))).toBe(255);
    expect(Math.max(...positions.flat())).toBeLessThanOrEqual(16_383);
    expect(Buffer.byteLength(words)).toBeLessThan(1_000_000);
    expect(words).toContain(` 's_${'w'.repeat(200)}'`);
  });

  it('cuts long words without halving a character', () => {
    expect(markWord('name', '\u{20000}'.repeat(300))).toBe(`n_${'\u{20000}'.repeat(200)}`);
  });
});

describe('folding', () => {
  it.each([
    ['ΔΗΜΟΣ Δήμος', ['δημοσ', 'δημοσ']],
    ['Yıldız YILDIZ Yildiz', ['yildiz', 'yildiz', 'yildiz']],
    ['Straße ŁÓDŹ Æsop', ['strasse', 'lodz', 'aesop']],
    ['软件工程师 3D', ['软', '件', '工', '程', '师', '3d']],
    ['김철수 Иван محمد', ['김철수', 'иван', 'محمد']],
    ["O'Brien-Smith & Co.", ['o', 'brien', 'smith', 'co']],
    ['🦄 % _ \\ \' "', []],
  ])('folds %s', (text, words) => {
    expect(foldWords(text)).toEqual(words);
  });

  it('changes nothing the second time', () => {
    for (let code = 1; code < 0x30000; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const once = foldText(`a${String.fromCodePoint(code)}b`);
      if (foldText(once) !== once)
        throw new Error(`U+${code.toString(16)} folds to ${once}, then ${foldText(once)}`);
    }
  });
});
