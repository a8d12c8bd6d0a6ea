/**
 * Every error that can reach a client, by its stable code. The HTTP status of each lives in one table of the API.
 * Messages are for a person and say what to do next; they hold no SQL, no secret, no other tenant's data.
 */
export type ErrorCode =
  | 'VALIDATION_ERROR'
  | 'UNAUTHORIZED'
  | 'INSUFFICIENT_CREDITS'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'PAYLOAD_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'IDEMPOTENCY_MISMATCH'
  | 'RATE_LIMITED'
  | 'INTERNAL_ERROR'
  | 'UNAVAILABLE';

/** A fault in what the caller sent, at a path of the body, query or headers. */
export interface FaultDetail {
  path: string;
  message: string;
}

/** An error that is meant for the caller. Anything else that is thrown is a defect and answers INTERNAL_ERROR. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: readonly object[];
  /** Seconds after which trying again may help; undefined where it never will. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: readonly object[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.details = options.details ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Faults in the caller's input, all of them. */
export function validationError(details: readonly FaultDetail[]): AppError {
  return new AppError('VALIDATION_ERROR', 'The request is not valid; details names every fault.', {
    details,
  });
}

export function notFound(what: string): AppError {
  return new AppError('NOT_FOUND', `${what} was not found.`);
}
