import { queryPrepared, type Db } from '../db/database';
import type { ApiKeyScope } from '../domain/api-key';

/** Whoever holds a key: one user of one organisation. */
export interface KeyHolder {
  keyId: string;
  orgId: string;
  userName: string;
  scopes: readonly ApiKeyScope[];
}

/**
 * The holder of a key, by its SHA-256; null where the key is unknown, expired or revoked, by one and the same
 * statement, so that the three cannot be told apart by time. Nothing is cached: a revoked key ends with its next call.
 */
export async function findKeyHolder(db: Db, keyHash: Buffer): Promise<KeyHolder | null> {
  const [row] = await queryPrepared<{
    id: string;
    org_id: string;
    user_name: string;
    scopes: ApiKeyScope[];
    usable: boolean;
  }>(
    db,
    `SELECT id, org_id, user_name, scopes,
            revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()) AS usable
     FROM api_keys WHERE key_hash = ?`,
    [keyHash],
  );
  if (!row?.usable) return null;
  return { keyId: row.id, orgId: row.org_id, userName: row.user_name, scopes: row.scopes };
}
