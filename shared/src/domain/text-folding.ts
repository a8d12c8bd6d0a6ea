const ASCII = /^[\x00-\x7f]*$/;

/**
 * Marks that a person may leave out without writing another word: accents, and the vowel points of Arabic and Hebrew.
 * The vowel signs of Indian and South-East Asian scripts are letters in all but name, and a voiced kana is another
 * kana: without them राम and रोमी would be one name, and one's address would answer for the other.
 */
const ACCENTS =
  /(?![\u3099\u309a])(?=\p{M})[\p{sc=Zinh}\p{sc=Latn}\p{sc=Grek}\p{sc=Cyrl}\p{sc=Arab}\p{sc=Hebr}]/gu;

/** What nobody sees or types: joiners, soft hyphens, marks of direction; and the stroke that only widens an Arabic word. */
const INVISIBLE = /[\p{DI}\u0640]/gu;

/**
 * Text as search and identity see it: lower case, without accents or invisible characters, compatibility forms unified
 * ('ﬁ' is 'fi', 'É' is 'e', 'ß' is 'ss'). Idempotent; the same for what is stored and what is asked.
 */
export function foldText(text: string): string {
  // Most text is ASCII, where only case can differ: ten times faster, which an import of a million leads notices.
  if (ASCII.test(text)) return text.toLowerCase();
  return text
    .normalize('NFKD')
    .replace(INVISIBLE, '')
    .replace(ACCENTS, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll('ø', 'o')
    .replaceAll('ł', 'l')
    .replaceAll('đ', 'd')
    .replaceAll('æ', 'ae')
    .replaceAll('œ', 'oe')
    .replaceAll('ı', 'i')
    .replaceAll('ς', 'σ')
    .normalize('NFKC');
}

/** What words stand in: letters and digits with the marks that belong to them. */
const RUN = /[\p{L}\p{N}\p{M}]+/gu;

const ASCII_RUN = /[a-z0-9]+/g;

/** A word: in scripts written without spaces each character, which is what comes nearest to one. */
const WORD =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}]|(?:(?![\p{scx=Han}\p{scx=Hira}\p{scx=Kana}])[\p{L}\p{N}\p{M}])+/gu;

/**
 * The folded words of a text, by the runs of letters and digits they stand in. A run is one word, but in Chinese and
 * Japanese, where each character is one: there a person types a part of the run and means what stands anywhere in it.
 * Empty for a text of punctuation only.
 */
export function foldRuns(text: string): string[][] {
  const runs = foldText(text).match(RUN) ?? [];
  return runs.map((run) => (ASCII.test(run) ? [run] : (run.match(WORD) ?? [])));
}

/** The folded words of a text in order; empty for a text of punctuation only. */
export function foldWords(text: string): string[] {
  return ASCII.test(text) ? (text.toLowerCase().match(ASCII_RUN) ?? []) : foldRuns(text).flat();
}

/** A folded text with its white space collapsed and its ends trimmed: equal for what a person would call the same. */
export function foldValue(text: string): string {
  return foldText(text).replace(/\s+/gu, ' ').trim();
}
