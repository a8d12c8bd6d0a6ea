/**
 * Where a JSON text is wrong. `JSON.parse` of Node 20 names no position for most faults, repeats the text in its
 * message (which may hold a pasted key), and keeps the last of two equal names without a word.
 */

/** The first fault of syntax, or else every repeated name; each with line and column. Empty: the text is JSON. */
export function findJsonFaults(text: string): string[] {
  const scanner: Scanner = { text, at: 0, repeated: [] };
  try {
    scanValue(scanner, 0);
    if (peek(scanner) !== '') fail(scanner, 'the end of the file');
    return scanner.repeated;
  } catch (error) {
    if (error instanceof SyntaxFault) return [error.message];
    throw error;
  }
}

interface Scanner {
  readonly text: string;
  at: number;
  readonly repeated: string[];
}

class SyntaxFault extends Error {}

const MAX_DEPTH = 100;
const WHITE_SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y;

function scanValue(scanner: Scanner, depth: number): void {
  if (depth > MAX_DEPTH) fail(scanner, `no more than ${MAX_DEPTH} levels`);
  const next = peek(scanner);
  if (next === '{') scanMembers(scanner, '}', depth);
  else if (next === '[') scanMembers(scanner, ']', depth);
  else if (next === '"') take(scanner, STRING, 'the end of a string');
  else take(scanner, SCALAR, 'a value');
}

/** The members of an object or the items of an array, brackets included. */
function scanMembers(scanner: Scanner, close: '}' | ']', depth: number): void {
  const names = new Set<string>();
  scanner.at++;
  if (peek(scanner) === close) return void scanner.at++;
  for (;;) {
    if (close === '}') scanName(scanner, names);
    scanValue(scanner, depth + 1);
    const next = peek(scanner);
    if (next !== ',' && next !== close) fail(scanner, `"," or "${close}"`);
    scanner.at++;
    if (next === close) return;
  }
}

function scanName(scanner: Scanner, names: Set<string>): void {
  peek(scanner);
  const start = scanner.at;
  const name = JSON.parse(take(scanner, STRING, 'a name in double quotes')) as string;
  // Validators pass over it unseen.
  if (name === '__proto__') fail({ ...scanner, at: start }, 'a name other than "__proto__"');
  if (names.has(name)) {
    scanner.repeated.push(
      `${positionOf(scanner.text, start)}: the name "${name}" stands here a second time.`,
    );
  }
  names.add(name);
  if (peek(scanner) !== ':') fail(scanner, '":"');
  scanner.at++;
}

/** The next character that is no white space; empty at the end. */
function peek(scanner: Scanner): string {
  take(scanner, WHITE_SPACE, 'white space');
  return scanner.text.charAt(scanner.at);
}

function take(scanner: Scanner, token: RegExp, expected: string): string {
  token.lastIndex = scanner.at;
  const match = token.exec(scanner.text);
  if (!match) return fail(scanner, expected);
  scanner.at = token.lastIndex;
  return match[0];
}

function fail(scanner: Scanner, expected: string): never {
  throw new SyntaxFault(`not JSON at ${positionOf(scanner.text, scanner.at)}: ${expected} expected.`);
}

function positionOf(text: string, at: number): string {
  const lines = text.slice(0, at).split('\n');
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}
