import type { Knex } from '@leadwell/shared/db/database';
import { AppError } from '@leadwell/shared/domain/errors';
import {
  importLeads,
  type ImportCounts,
  type ImportRequest,
  type Rejection,
} from '@leadwell/shared/leads/import-leads';
import type { Logger } from 'pino';

/** Rejected rows are all counted; this many are told one by one. */
const REJECTIONS_AT_MOST = 100;

export interface ImportReport extends ImportCounts {
  /** The first that were met, by line. */
  rejections: Rejection[];
  /** The headers of a CSV that name no field of a lead. */
  ignoredColumns: string[];
}

/**
 * Imports a file into an organisation while it arrives; good rows are kept, bad ones reported. Run again, it changes nothing.
 * Where the file breaks off, what was imported before stays, and the error's details say how much that is (`kept`).
 */
export async function importFile(
  deps: { knex: Knex; logger: Logger },
  file: Pick<ImportRequest, 'source' | 'format' | 'encoding' | 'formatWords'> & { orgId: string },
): Promise<ImportReport> {
  const rejections: Rejection[] = [];
  let ignoredColumns: string[] = [];
  let kept: ImportCounts = { inserted: 0, updated: 0, unchanged: 0, rejected: 0 };
  try {
    const counts = await importLeads(deps.knex, {
      ...file,
      onProgress: (soFar) => (kept = soFar),
      onRejected: (rejection) => {
        if (rejections.length < REJECTIONS_AT_MOST) rejections.push(rejection);
      },
      onIgnoredColumns: (headers) => (ignoredColumns = headers),
    });
    deps.logger.info({ orgId: file.orgId, ...counts }, 'leads imported');
    return { ...counts, rejections: rejections.sort((a, b) => a.line - b.line), ignoredColumns };
  } catch (error) {
    deps.logger.info({ orgId: file.orgId, ...kept }, 'an import broke off; what it had imported stays');
    throw error instanceof AppError ? withKept(error, kept) : error;
  }
}

function withKept(error: AppError, kept: ImportCounts): AppError {
  const { retryAfterSeconds } = error;
  return new AppError(error.code, error.message, {
    details: [...error.details, { kept }],
    cause: error,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}
