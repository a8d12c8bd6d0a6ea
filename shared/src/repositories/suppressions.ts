import { execute, query, type Db } from '../db/database';
import { newId } from '../domain/ids';
import type { SuppressionHash, SuppressionKind, SuppressionSource } from '../domain/suppression';

/** An entry to be written. `orgId` null: for every organisation. */
export interface NewSuppression extends SuppressionHash {
  orgId: string | null;
}

export interface SuppressionOrigin {
  source: 'operator' | 'erasure';
  reason: string;
  createdBy: string;
  /** The erasure that it belongs to; null unless that is its source. */
  erasureId: string | null;
}

/**
 * Adds entries; gives how many are new. One that is there stays as it is, unless an erasure makes it its own, the latest
 * one: it finishes what an earlier one left. In the order of the key: two who add the same cannot deadlock.
 */
export async function insertSuppressions(
  db: Db,
  entries: readonly NewSuppression[],
  origin: SuppressionOrigin,
): Promise<number> {
  if (entries.length === 0) return 0;
  const [row] = await query<{ added: number }>(
    db,
    `WITH written AS (
       INSERT INTO suppressions (id, org_id, kind, hash, source, reason, created_by, erasure_id)
       SELECT DISTINCT ON (n.hash, n.org_id) n.id, n.org_id, n.kind, n.hash, :source, :reason, :createdBy, CAST(:erasureId AS uuid)
         FROM unnest(:ids::uuid[], :orgIds::uuid[], :kinds::text[], :hashes::bytea[]) AS n (id, org_id, kind, hash)
        ORDER BY n.hash, n.org_id
       ON CONFLICT (hash, org_id) DO UPDATE
          SET source = excluded.source, reason = excluded.reason, created_by = excluded.created_by, erasure_id = excluded.erasure_id
        WHERE excluded.source = 'erasure'
       RETURNING xmax = 0 AS is_new
     )
     SELECT count(*) FILTER (WHERE is_new) AS added FROM written`,
    {
      ...origin,
      ids: entries.map(() => newId()),
      orgIds: entries.map((entry) => entry.orgId),
      kinds: entries.map((entry) => entry.kind),
      hashes: entries.map((entry) => entry.hash),
    },
  );
  return row?.added ?? 0;
}

/** An entry, for a list. The value itself is not known. */
export interface Suppression {
  id: string;
  orgId: string | null;
  kind: SuppressionKind;
  source: SuppressionSource;
  reason: string;
  createdBy: string;
  createdAt: Date;
}

/** The newest entries of an organisation's own (null: of everybody's), `limit` at most. */
export function listSuppressions(db: Db, orgId: string | null, limit: number): Promise<Suppression[]> {
  return query(
    db,
    `SELECT id, org_id AS "orgId", kind, source, reason, created_by AS "createdBy", created_at AS "createdAt"
       FROM suppressions WHERE org_id IS NOT DISTINCT FROM CAST(:orgId AS uuid) ORDER BY created_at DESC, id DESC LIMIT :limit`,
    { orgId, limit },
  );
}

/** Removes one entry; gives whether it was there. */
export async function removeSuppression(
  db: Db,
  entry: { id: string } | { orgId: string | null; hash: Buffer },
): Promise<boolean> {
  const removed =
    'id' in entry
      ? await execute(db, 'DELETE FROM suppressions WHERE id = :id', entry)
      : await execute(
          db,
          'DELETE FROM suppressions WHERE hash = :hash AND org_id IS NOT DISTINCT FROM CAST(:orgId AS uuid)',
          entry,
        );
  return removed > 0;
}

/** Whether anybody was ever erased: an import need not look for them otherwise. */
export async function hasErasures(db: Db): Promise<boolean> {
  const [row] = await query<{ has: boolean }>(db, 'SELECT EXISTS (SELECT FROM erasures) AS has');
  return row?.has ?? false;
}

/** Which of these hashes stand for a person erased for this scope, in hexadecimal. */
export async function findErased(
  db: Db,
  orgId: string | null,
  hashes: readonly Buffer[],
): Promise<ReadonlySet<string>> {
  const rows = await query<{ hash: Buffer }>(
    db,
    `SELECT DISTINCT s.hash FROM unnest(:hashes::bytea[]) AS h (hash) JOIN suppressions s ON s.hash = h.hash
      WHERE s.source = 'erasure' AND (s.org_id IS NULL OR s.org_id = CAST(:orgId AS uuid))`,
    { orgId, hashes: [...hashes] },
  );
  return new Set(rows.map(({ hash }) => hash.toString('hex')));
}
