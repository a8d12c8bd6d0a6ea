import { execute, query, queryPrepared, type Db } from '../db/database';
import type { Field } from '../domain/enrichment';
import { waterfallOf, type AskableProvider, type AskableWaterfall } from '../domain/waterfall';

/** The providers that an organisation has asked for a field, in order: its own, or the deployment's. One SELECT. */
export async function readWaterfall(
  db: Db,
  deployment: AskableWaterfall,
  { orgId, field }: { orgId: string; field: Field },
): Promise<readonly AskableProvider[]> {
  const [own] = await queryPrepared<{ providers: string[] }>(
    db,
    'SELECT providers FROM organisation_waterfalls WHERE org_id = :orgId AND field = :field',
    { orgId, field },
  );
  return waterfallOf(deployment, field, own?.providers ?? null);
}

/** An order of an organisation's own. */
export interface OwnWaterfall {
  orgId: string;
  field: Field;
  /** Names, in order; never empty. */
  providers: string[];
}

/** The orders of their own that one organisation has, or all have (null); `limit` at most. */
export async function listOwnWaterfalls(
  db: Db,
  orgId: string | null,
  limit: number,
): Promise<OwnWaterfall[]> {
  return query<OwnWaterfall>(
    db,
    `SELECT org_id AS "orgId", field, providers FROM organisation_waterfalls
      WHERE CAST(:orgId AS uuid) IS NULL OR org_id = :orgId ORDER BY org_id, field LIMIT :limit`,
    { orgId, limit },
  );
}

/** Gives an organisation an order of its own, in place of any that it has. */
export async function saveOwnWaterfall(db: Db, { orgId, field, providers }: OwnWaterfall): Promise<void> {
  await execute(
    db,
    `INSERT INTO organisation_waterfalls (org_id, field, providers) VALUES (:orgId, :field, :providers)
     ON CONFLICT (org_id, field) DO UPDATE SET providers = excluded.providers, updated_at = clock_timestamp()`,
    { orgId, field, providers: [...providers] },
  );
}

/** From here on the deployment's counts. Nothing happens where it does already. */
export async function deleteOwnWaterfall(db: Db, orgId: string, field: Field): Promise<void> {
  await execute(db, 'DELETE FROM organisation_waterfalls WHERE org_id = :orgId AND field = :field', {
    orgId,
    field,
  });
}
