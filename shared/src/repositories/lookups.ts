import { queryPrepared, type Db } from '../db/database';
import type { Candidate, Field } from '../domain/enrichment';

export type LookupState = 'asked' | 'hit' | 'miss' | 'restricted' | 'failed';

/** What a lookup is keyed by: the provider, where it was reached, and exactly what was asked, for whom. */
export interface LookupKey {
  provider: string;
  baseUrl: string;
  inputHash: Buffer;
  /** SHARED_SCOPE, or the one organisation it may answer. */
  scope: string;
}

export interface Lookup {
  id: string;
  provider: string;
  state: LookupState;
  ask: number;
  /** Expired is as absent. */
  fresh: boolean;
  answeredAt: Date | null;
  error: string | null;
  /** The provider has it under this id and answers later: it is polled, never asked again. */
  externalId: string | null;
  /** Until the next poll; 0 where it is due. */
  pollInSeconds: number;
}

/** A text that is equal for equal keys, within one field. */
export function lookupKeyText(key: LookupKey): string {
  return `${key.provider} ${key.baseUrl} ${key.inputHash.toString('hex')} ${key.scope}`;
}

/** The bindings of a list of keys, in the order of the unique key: asks that lock in one order cannot deadlock. */
export function bindLookupKeys(keys: readonly LookupKey[]) {
  return {
    providers: keys.map((key) => key.provider),
    baseUrls: keys.map((key) => key.baseUrl),
    inputHashes: keys.map((key) => key.inputHash),
    scopes: keys.map((key) => key.scope),
  };
}

/** The stored lookups of these keys by `lookupKeyText`; a key without one is left out. */
export async function findLookups(
  db: Db,
  field: Field,
  keys: readonly LookupKey[],
): Promise<Map<string, Lookup>> {
  if (keys.length === 0) return new Map();
  const rows = await queryPrepared<Lookup & LookupKey>(
    db,
    `SELECT l.id, l.provider, l.base_url AS "baseUrl", l.input_hash AS "inputHash", l.scope, l.state, l.ask,
            l.expires_at > clock_timestamp() AS fresh, l.answered_at AS "answeredAt", l.error, l.external_id AS "externalId",
            greatest(0, coalesce(extract(epoch FROM l.poll_at - clock_timestamp()), 0))::float8 AS "pollInSeconds"
       FROM unnest(:providers::text[], :baseUrls::text[], :inputHashes::bytea[], :scopes::uuid[])
              AS k (provider, base_url, input_hash, scope)
       CROSS JOIN LATERAL (
         SELECT * FROM lookups
          WHERE provider = k.provider AND base_url = k.base_url AND field = :field AND input_hash = k.input_hash AND scope = k.scope
          LIMIT 1
       ) l`,
    { ...bindLookupKeys(keys), field },
  );
  return new Map(rows.map((row) => [lookupKeyText(row), row]));
}

export interface StoredHit {
  lookupId: string;
  provider: string;
  answeredAt: Date;
  candidates: Candidate[];
}

/** The candidates of those of these lookups that are hits, by lookup id. */
export async function listHits(db: Db, lookupIds: readonly string[]): Promise<Map<string, StoredHit>> {
  if (lookupIds.length === 0) return new Map();
  const rows = await queryPrepared<StoredHit>(
    db,
    `SELECT id AS "lookupId", provider, answered_at AS "answeredAt", candidates
       FROM lookups WHERE id = ANY(:lookupIds::uuid[]) AND state = 'hit'`,
    { lookupIds: [...lookupIds] },
  );
  return new Map(rows.map((row) => [row.lookupId, row]));
}
