import { ConfigurationError } from '@leadwell/shared/config/config';
import { classifyDatabaseError } from '@leadwell/shared/db/sql-state';
import { AppError } from '@leadwell/shared/domain/errors';

/** Something a person can put right; the message is a sentence that says how. */
export class CliError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
  }
}

/** PostgreSQL's codes that an operator meets, and what to do. */
const DATABASE_ADVICE: Readonly<Record<string, string>> = {
  '28000': 'The database refuses this user; correct DATABASE_URL.',
  '28P01': 'The database refuses this user or password; correct DATABASE_URL.',
  '3D000': 'The database named in DATABASE_URL does not exist; create it, then run `npm run migrate`.',
  '42501': 'The database user lacks a right; let the owner of the tables be the user in DATABASE_URL.',
  '42P01': 'The database lacks a table; run `npm run migrate`.',
  '42703': 'The database lacks a column; run `npm run migrate`.',
};

/** What to tell a person about an error: what to do next, without stack, SQL or secret. */
export function explainError(error: unknown): string {
  if (error instanceof CliError || error instanceof AppError || error instanceof ConfigurationError)
    return error.message;
  const advice = DATABASE_ADVICE[(error as { code?: string } | null)?.code ?? ''];
  if (advice !== undefined) return advice;
  if (classifyDatabaseError(error) === 'unavailable')
    return 'The database cannot be reached or is overloaded; check that it runs and that DATABASE_URL is right, then try again.';
  // An error of PostgreSQL quotes rows and statements in other fields; its message alone is short.
  const message = error instanceof Error ? error.message.split('\n').at(-1) : String(error);
  return `Unexpected error: ${message}. This is a defect: please report it.`;
}
