/** The body of a response, parsed: what a stranger sent, with no number rounded and no prototype touched. */

/**
 * The value of a JSON text; undefined for what is no JSON. Integers beyond ±(2^53 − 1) are texts of their digits: as
 * numbers they would be rounded, and a rounded id is somebody else's. `__proto__` keys are left out: merged into
 * anything, they would change its prototype. Never throws; linear in the text, whatever its depth.
 */
export function parseJson(text: string): unknown {
  try {
    // Either costs time, so only where there may be one: the name plain or escaped in part, or sixteen digits on end.
    const revive = /__proto__|\\u00[567]/i.test(text) ? dropPrototypeKey : undefined;
    const parsed = JSON.parse(text, revive) as unknown;
    return /\d{16}/.test(text) ? (JSON.parse(quoteLargeIntegers(text), revive) as unknown) : parsed;
  } catch {
    return undefined;
  }
}

function dropPrototypeKey(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}

const BACKSLASH = 92;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Puts the integers that a number cannot hold into quotes; leaves strings as they are. The text must be JSON. */
function quoteLargeIntegers(json: string): string {
  const parts: string[] = [];
  let copied = 0;
  for (let at = 0; at < json.length; at++) {
    const char = json.charAt(at);
    if (char === '"') at = endOfString(json, at);
    else if (char === '-' || (char >= '0' && char <= '9')) {
      NUMBER.lastIndex = at;
      const [number = char] = NUMBER.exec(json) ?? [];
      if (isLargeInteger(number)) {
        parts.push(json.slice(copied, at), `"${number}"`);
        copied = at + number.length;
      }
      at += number.length - 1;
    }
  }
  return parts.join('') + json.slice(copied);
}

/** Where the closing quote of the string that opens at `at` stands. */
function endOfString(json: string, at: number): number {
  let end = at + 1;
  while (end < json.length && json.charAt(end) !== '"') end += json.charCodeAt(end) === BACKSLASH ? 2 : 1;
  return end;
}

/** What is written with a fraction or an exponent is a measure, not an id. */
function isLargeInteger(number: string): boolean {
  return number.length >= 16 && !/[.eE]/.test(number) && !Number.isSafeInteger(Number(number));
}
