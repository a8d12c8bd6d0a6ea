import type { Knex } from '@leadwell/shared/db/database';
import { notFound } from '@leadwell/shared/domain/errors';
import { cancelRequest as cancel, type Cancellation } from '@leadwell/shared/settle/cancel-request';
import type { Logger } from 'pino';
import { publishSoon, type Publisher } from './publish-soon';

export interface CancelDependencies {
  knex: Knex;
  publisher: Publisher;
  logger: Logger;
}

/**
 * Cancels a request of an organisation, exactly (see shared/settle), and tells the relay where that made room for other
 * batches of the organisation. Throws NOT_FOUND where the organisation has no such request.
 */
export async function cancelRequest(
  deps: CancelDependencies,
  orgId: string,
  requestId: string,
): Promise<Cancellation> {
  const cancellation = await cancel(deps.knex, orgId, requestId);
  if (!cancellation) throw notFound('This request');
  if (cancellation.completedBatchCount > 0) publishSoon(deps, orgId);
  return cancellation;
}
