import type { Db } from '../db/database';
import { hitIdsOf, type Ending } from '../domain/ending';
import { suppressionError } from '../domain/suppression';
import { findSuppressed } from '../repositories/suppression-checks';

/**
 * The endings as they may be: whoever is suppressed by now ends as failed, whatever was found, and so does an answer that
 * holds a suppressed value: it is that person's, under another name. What is cancelled stays cancelled. Read under the account
 * lock, by a statement later than it: an erasure that is not seen here comes after, and takes the values away.
 */
export async function refuseSuppressed(
  db: Db,
  endings: readonly Ending[],
  orgIdOf: (enrichmentId: string) => string,
): Promise<Ending[]> {
  const suppressed = await findSuppressed(db, {
    subjects: {
      enrichments: endings
        .filter((ending) => !isCancelled(ending))
        .map(({ enrichmentId }) => ({ orgId: orgIdOf(enrichmentId), id: enrichmentId })),
    },
    answers: endings.flatMap((ending) =>
      hitIdsOf(ending).map((lookupId) => ({ id: ending.enrichmentId, lookupId })),
    ),
  });
  return endings.map((ending) => {
    const isGlobal = suppressed.get(ending.enrichmentId);
    if (isGlobal === undefined) return ending;
    const { enrichmentId, attempts } = ending;
    return {
      enrichmentId,
      attempts,
      found: false,
      status: 'failed',
      error: suppressionError(isGlobal),
      lookupId: null,
    };
  });
}

function isCancelled(ending: Ending): boolean {
  return !ending.found && ending.status === 'cancelled';
}
