/** What went wrong with an exchange, without key, URL, query, name or address. */
export class ExchangeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ExchangeError';
  }
}
