/** A telephone number in E.164: a spreadsheet reads it as a number, and runs nothing. */
const PHONE_NUMBER = /^\+\d+$/;

/** What a spreadsheet takes for a formula, in the full-width forms too; tab and return are skipped before it looks. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/u;

/**
 * A second cell inside a cell: a spreadsheet whose separator is a semicolon, as in half of Europe, or that was pasted into, splits
 * there, and minds no quotes, since the line begins without one.
 */
const INNER_FORMULA = /([;\t\r\n] *)(?=[=+\-@＝＋－＠])/gu;

/**
 * A cell that no spreadsheet runs: what could be a formula gets an apostrophe in front, also behind what another
 * spreadsheet takes for a separator.
 * Source: https://owasp.org/www-community/attacks/CSV_Injection
 */
export function guardCell<T>(cell: T): T | string {
  if (typeof cell !== 'string' || PHONE_NUMBER.test(cell)) return cell;
  const guarded = cell.replace(INNER_FORMULA, "$1'");
  return FORMULA.test(cell) ? `'${guarded}` : guarded;
}
