import { execute, query, type Db } from '../db/database';
import { createApiKey, type ApiKeyScope } from '../domain/api-key';
import { newId } from '../domain/ids';

/** The organisation, or undefined where there is none with this id. */
export async function findOrganisation(
  db: Db,
  orgId: string,
): Promise<{ id: string; name: string } | undefined> {
  const [organisation] = await query<{ id: string; name: string }>(
    db,
    'SELECT id, name FROM organisations WHERE id = ?',
    [orgId],
  );
  return organisation;
}

export interface ListedOrganisation {
  orgId: string;
  name: string;
  balance: number;
  /** Null: nobody is to be told of a low balance. */
  lowCreditsThreshold: number | null;
  createdAt: Date;
}

/** All organisations, oldest first; `limit` at most. */
export async function listOrganisations(db: Db, limit: number): Promise<ListedOrganisation[]> {
  return query(
    db,
    `SELECT o.id AS "orgId", o.name, c.balance, c.low_credits_threshold AS "lowCreditsThreshold",
            o.created_at AS "createdAt"
       FROM organisations o JOIN credit_accounts c ON c.org_id = o.id ORDER BY o.id LIMIT ?`,
    [limit],
  );
}

/** Creates an organisation and its credit account, with nothing in it; gives its id. The caller's transaction makes it both or neither. */
export async function insertOrganisation(db: Db, name: string): Promise<string> {
  const id = newId();
  await execute(db, 'INSERT INTO organisations (id, name) VALUES (?, ?)', [id, name]);
  await execute(db, 'INSERT INTO credit_accounts (org_id) VALUES (?)', [id]);
  return id;
}

export interface IssuedKey {
  keyId: string;
  /** The whole key, which exists nowhere else: only its hash is stored. */
  apiKey: string;
}

/** Creates an API key. `expiresAt` null: it does not expire. */
export async function insertApiKey(
  db: Db,
  key: { orgId: string; userName: string; scopes: readonly ApiKeyScope[]; expiresAt: Date | null },
): Promise<IssuedKey> {
  const { key: apiKey, hash, prefix } = createApiKey();
  const keyId = newId();
  await execute(
    db,
    `INSERT INTO api_keys (id, org_id, user_name, key_hash, key_prefix, scopes, expires_at)
     VALUES (:keyId, :orgId, :userName, :hash, :prefix, :scopes, :expiresAt)`,
    { keyId, hash, prefix, ...key, scopes: [...key.scopes] },
  );
  return { keyId, apiKey };
}

export interface ListedKey {
  keyId: string;
  orgId: string;
  userName: string;
  /** The beginning of the key, to recognise it by. */
  prefix: string;
  scopes: string[];
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
}

/** The keys of one organisation, or of all (null), oldest first; `limit` at most. */
export async function listApiKeys(db: Db, orgId: string | null, limit: number): Promise<ListedKey[]> {
  return query(
    db,
    `SELECT id AS "keyId", org_id AS "orgId", user_name AS "userName", key_prefix AS prefix, scopes,
       created_at AS "createdAt", expires_at AS "expiresAt", revoked_at AS "revokedAt"
     FROM api_keys WHERE CAST(:orgId AS uuid) IS NULL OR org_id = :orgId ORDER BY id LIMIT :limit`,
    { orgId, limit },
  );
}

/** Revokes a key; revoking it again keeps the first time. Gives that time; undefined where there is no such key. */
export async function revokeApiKey(db: Db, keyId: string): Promise<Date | undefined> {
  const [key] = await query<{ revokedAt: Date }>(
    db,
    `UPDATE api_keys SET revoked_at = COALESCE(revoked_at, clock_timestamp()) WHERE id = ?
     RETURNING revoked_at AS "revokedAt"`,
    [keyId],
  );
  return key?.revokedAt;
}
