/** A telephone number in E.164: a spreadsheet reads it as a number, and runs nothing. */
const PHONE_NUMBER = /^\+\d+$/;

/** What a spreadsheet takes for a formula, in the full-width forms too; tab and return are skipped before it looks. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/u;

/**
 * A cell that no spreadsheet runs: what could be a formula gets an apostrophe in front.
 * Source: https://owasp.org/www-community/attacks/CSV_Injection
 */
export function guardCell<T>(cell: T): T | string {
  if (typeof cell !== 'string' || PHONE_NUMBER.test(cell)) return cell;
  return FORMULA.test(cell) ? `'${cell}` : cell;
}
