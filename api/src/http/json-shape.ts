/** Our deepest body, a PERIOD filter, has 8. */
const MAX_DEPTH = 32;
/** Lists and objects of a body. Ours hold a few hundred, a list that is too long some ten thousand; 100,000 of them stop the process for 130 ms. */
const MAX_PARTS = 20_000;
/** Commas of a body: ids of the longest list are 10,000. Half a million strings, which 1 MB can hold, take as long. */
const MAX_ITEMS = 100_000;

/** More than any object of ours has. A validator makes a fault of each, and parsing 60,000 names takes as long as all else. */
const MAX_FIELDS = 200;

const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * What is wrong with the shape of a JSON text, before anything parses it; null if nothing is. A megabyte of brackets
 * takes 2 ms here, and a quarter of a second to parse and free. Whether the text is JSON at all is the parser's question.
 */
export function findShapeFault(text: Buffer): string | null {
  const fields = new Uint32Array(MAX_DEPTH + 1);
  let depth = 0;
  let parts = 0;
  let items = 0;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at];
    if (byte === QUOTE) at = endOfString(text, at + 1);
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      parts++;
      if (++depth > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
      fields[depth] = 0;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--;
    else if (byte === COLON && ++fields[depth]! > MAX_FIELDS)
      return `has an object of more than ${MAX_FIELDS} fields`;
    else if (byte === COMMA && ++items > MAX_ITEMS) return `has more than ${MAX_ITEMS} items and fields`;
    if (parts > MAX_PARTS) return `has more than ${MAX_PARTS} lists and objects`;
  }
  return null;
}

function endOfString(text: Buffer, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return at;
}
