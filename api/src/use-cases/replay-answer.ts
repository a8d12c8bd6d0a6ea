import type { Db } from '@leadwell/shared/db/database';
import { AppError } from '@leadwell/shared/domain/errors';
import { readBalance } from '@leadwell/shared/repositories/credits';
import { listRequestEnrichments } from '@leadwell/shared/repositories/enrichment-queries';
import { claimIdempotencyKey, findKeptAnswer } from '@leadwell/shared/repositories/idempotency-keys';
import type { Acceptance } from './accept-request';

/**
 * The kept answer to an Idempotency-Key: the same enrichments in the same order with their present status, and what was
 * charged then. Null: the key is new, and this transaction holds it until it ends.
 * Throws CONFLICT while another call holds the key, IDEMPOTENCY_MISMATCH where the key was used for another call.
 */
export async function replayAnswer(
  db: Db,
  orgId: string,
  { key, fingerprint }: { key: string; fingerprint: Buffer },
): Promise<Acceptance | null> {
  if (!(await claimIdempotencyKey(db, orgId, key))) {
    throw new AppError(
      'CONFLICT',
      'A call with this Idempotency-Key is still in flight. Repeat it shortly.',
      {
        retryAfterSeconds: 1,
      },
    );
  }
  const kept = await findKeptAnswer(db, orgId, key);
  if (!kept) return null;
  if (!kept.fingerprint.equals(fingerprint)) {
    throw new AppError(
      'IDEMPOTENCY_MISMATCH',
      'This Idempotency-Key was used for another call. Use a new key for a new call.',
    );
  }
  return {
    requestId: kept.requestId,
    enrichments: await listRequestEnrichments(db, { orgId, requestId: kept.requestId }),
    creditsCharged: kept.creditsCharged,
    creditsBalance: await readBalance(db, orgId),
    isReplay: true,
  };
}
