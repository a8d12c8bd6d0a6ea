const DEPOSIT_AFTER_SUCCESS = 0.2;
const DEPOSIT_AFTER_FAILURE = 0.05;
const BALANCE_AT_MOST = 2;

/**
 * How many second tries a provider gets. With every fifth call answered and the rest failing this is still below one in
 * ten; a provider that is down gets at most one for its first ten calls and then one for every twenty.
 */
export class RetryBudget {
  private balance = 1;

  /** A first try has ended. */
  record(succeeded: boolean): void {
    const deposit = succeeded ? DEPOSIT_AFTER_SUCCESS : DEPOSIT_AFTER_FAILURE;
    this.balance = Math.min(BALANCE_AT_MOST, this.balance + deposit);
  }

  /** Takes one retry out, if there is one. */
  take(): boolean {
    if (this.balance < 1) return false;
    this.balance -= 1;
    return true;
  }
}
