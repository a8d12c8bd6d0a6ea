import type { Db } from '@leadwell/shared/db/database';
import { AppError } from '@leadwell/shared/domain/errors';
import type { NewEnrichment } from '@leadwell/shared/repositories/accepted-work';
import { insertEndedAttempts } from '@leadwell/shared/repositories/attempts';
import { upsertLeadValues } from '@leadwell/shared/repositories/lead-values';
import { listHits, type StoredHit } from '@leadwell/shared/repositories/lookups';

interface AnsweredRow {
  enrichmentId: string;
  leadId: string;
  /** The one that answered first. */
  lookupIds: string[];
}

/**
 * Gives the organisation the values of the stored answers that ended its rows, and notes each as an attempt that another's
 * answer served. Throws UNAVAILABLE where an answer vanished since it was planned with (it expired, or was erased): the whole
 * acceptance must not stand, and finds another plan when repeated.
 */
export async function giveHitValues(db: Db, orgId: string, rows: readonly NewEnrichment[]): Promise<void> {
  const answered = rows.flatMap(toAnswered);
  if (answered.length === 0) return;
  const hits = await listHits(
    db,
    answered.flatMap((row) => row.lookupIds),
  );
  const ended = answered.flatMap(({ lookupIds, ...row }) =>
    lookupIds.map((lookupId) => {
      const hit = hits.get(lookupId);
      if (!hit) throw vanished();
      return { ...row, lookupId, hit };
    }),
  );
  const values = ended.flatMap(({ hit, leadId, enrichmentId }) =>
    hit.candidates.map((candidate) => ({
      ...candidate,
      orgId,
      leadId,
      enrichmentId,
      provider: hit.provider,
      foundAt: hit.answeredAt,
    })),
  );
  await upsertLeadValues(db, values);
  await insertEndedAttempts(db, ended.map(toAttempt));
}

function vanished(): AppError {
  return new AppError('UNAVAILABLE', 'A stored answer expired while it was used. Try again.', {
    retryAfterSeconds: 1,
  });
}

function toAnswered({ id, leadId, lookupId, otherLookupIds }: NewEnrichment): AnsweredRow[] {
  return lookupId === null ? [] : [{ enrichmentId: id, leadId, lookupIds: [lookupId, ...otherLookupIds] }];
}

function toAttempt({
  enrichmentId,
  lookupId,
  hit,
}: {
  enrichmentId: string;
  lookupId: string;
  hit: StoredHit;
}) {
  const attempt = { provider: hit.provider, lookupId, outcome: 'hit' as const, error: null };
  return { enrichmentId, attempts: [attempt] };
}
