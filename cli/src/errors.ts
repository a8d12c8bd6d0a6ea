import { ConfigurationError } from '@leadwell/shared/config/config';
import { adviseOnDatabaseError } from '@leadwell/shared/db/database-advice';
import { AppError } from '@leadwell/shared/domain/errors';

/** Something a person can put right; the message is a sentence that says how. */
export class CliError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
  }
}

/** What to tell a person about an error: what to do next, without stack, SQL or secret. */
export function explainError(error: unknown): string {
  if (error instanceof CliError || error instanceof AppError || error instanceof ConfigurationError)
    return error.message;
  const advice = adviseOnDatabaseError(error);
  if (advice !== undefined) return advice;
  // An error of PostgreSQL quotes rows and statements in other fields; its message alone is short.
  const message = error instanceof Error ? error.message.split('\n').at(-1) : String(error);
  return `Unexpected error: ${message}. This is a defect: please report it.`;
}
