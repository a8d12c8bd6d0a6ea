/** What stands in an array's text without quotes. */
const PLAIN = /^[0-9a-z_-]+$/i;

/**
 * A list whose items need no quotes, as ids do, as PostgreSQL's text of an array; any other value as it is, for `pg` to write. That puts
 * every item through two replacements and into quotes: the 600 items of a poll took it 0.15 ms.
 */
export function toArrayLiteral(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const texts: string[] = [];
  for (const item of value as unknown[]) {
    if (item === null) texts.push('NULL');
    else if (typeof item === 'string' && PLAIN.test(item) && !isNullWord(item)) texts.push(item);
    else return value;
  }
  return `{${texts.join()}}`;
}

/** The text `null`, in any case, is no text without quotes. */
function isNullWord(text: string): boolean {
  return text.length === 4 && text.toUpperCase() === 'NULL';
}
