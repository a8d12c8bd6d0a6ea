import { classifyDatabaseError } from '@leadwell/shared/db/sql-state';
import { AppError, validationError, type ErrorCode } from '@leadwell/shared/domain/errors';

/** The HTTP status of every error code. No other file knows a status. */
export const STATUS_OF_CODE: Readonly<Record<ErrorCode, number>> = {
  VALIDATION_ERROR: 400,
  UNAUTHORIZED: 401,
  INSUFFICIENT_CREDITS: 402,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  IDEMPOTENCY_MISMATCH: 422,
  RATE_LIMITED: 429,
  INTERNAL_ERROR: 500,
  UNAVAILABLE: 503,
};

/**
 * Whatever was thrown, as the error that the caller is told. What is not meant for a caller becomes INTERNAL_ERROR and
 * keeps its cause for the log; nothing of it reaches the answer.
 */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const fault = classifyDatabaseError(thrown);
  if (fault !== 'other') return unavailable(thrown);
  return errorOfFramework(thrown) ?? new AppError('INTERNAL_ERROR', INTERNAL_MESSAGE, { cause: thrown });
}

const INTERNAL_MESSAGE =
  'Something broke on our side. Nothing is known to be wrong with the request; try again.';

function unavailable(cause: unknown): AppError {
  return new AppError('UNAVAILABLE', 'The service cannot reach its database now. Try again shortly.', {
    cause,
    retryAfterSeconds: 2,
  });
}

/** What express and its body parser throw: errors with a status of the 400s, and for the parser a type. */
function errorOfFramework(thrown: unknown): AppError | null {
  const { status, type } = (thrown ?? {}) as { status?: unknown; type?: unknown };
  if (typeof status !== 'number' || status < 400 || status > 499) return null;
  if (status === 413)
    return new AppError('PAYLOAD_TOO_LARGE', 'The body is larger than 1 MB. Send less at once.');
  if (status === 415) {
    return new AppError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json in UTF-8.');
  }
  if (type === 'entity.parse.failed')
    return validationError([{ path: 'body', message: 'is not valid JSON' }]);
  if (thrown instanceof URIError) return validationError([{ path: 'path', message: 'is not a valid URL' }]);
  return validationError([{ path: 'body', message: 'could not be read whole' }]);
}
