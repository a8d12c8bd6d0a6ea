import { queryPrepared, type Db } from '../db/database';
import type { Field } from '../domain/enrichment';
import { HASH_COLUMN } from '../domain/question';
import type { AskableProvider } from '../domain/waterfall';

/** A stored answer to exactly a lead's question. */
export interface LeadHit {
  leadId: string;
  provider: string;
  lookupId: string;
}

/**
 * For each lead the fresh hits that answer its question, one a provider at most, the earliest answered first; leads without one are
 * left out.
 * A join over the hashes that are stored with the lead, so that a thousand leads are one statement. LIMIT 1 on a unique key
 * keeps the planner at the index, whatever it thinks of the table's size.
 */
export async function listStoredHits(
  db: Db,
  wanted: { field: Field; scope: string; leadIds: readonly string[]; providers: readonly AskableProvider[] },
): Promise<LeadHit[]> {
  // In an order of their own, which decides nothing here: every waterfall of the same providers is one prepared text.
  const providers = wanted.providers
    .filter(({ closedBecause }) => closedBecause === undefined)
    .sort((one, other) => compareTexts(one.forms.join(), other.forms.join()));
  if (wanted.leadIds.length === 0 || providers.length === 0) return [];
  return queryPrepared<LeadHit>(
    db,
    `SELECT p.id AS "leadId", q.provider, l.id AS "lookupId"
     FROM unnest(CAST(:leadIds AS uuid[])) AS s (lead_id)
     CROSS JOIN LATERAL (SELECT * FROM people WHERE id = s.lead_id LIMIT 1) p
     CROSS JOIN LATERAL (VALUES ${providers.map(questionSql).join(', ')}) AS q (provider, base_url, input_hash)
     CROSS JOIN LATERAL (
       SELECT id, state, expires_at, answered_at FROM lookups
       WHERE provider = q.provider AND base_url = q.base_url AND field = :field AND input_hash = q.input_hash
         AND scope = :scope
       LIMIT 1
     ) l
     WHERE l.state = 'hit' AND l.expires_at > clock_timestamp()
     ORDER BY p.id, l.answered_at, l.id`,
    {
      leadIds: [...wanted.leadIds],
      field: wanted.field,
      scope: wanted.scope,
      ...Object.fromEntries(providers.map((provider, i) => [`provider${i}`, provider.name])),
      ...Object.fromEntries(providers.map((provider, i) => [`baseUrl${i}`, provider.baseUrl])),
    },
  );
}

function compareTexts(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** The hits by lead, in their order. */
export function hitsByLead(hits: readonly LeadHit[]): Map<string, [LeadHit, ...LeadHit[]]> {
  const byLead = new Map<string, [LeadHit, ...LeadHit[]]>();
  for (const hit of hits) {
    const known = byLead.get(hit.leadId);
    if (known) known.push(hit);
    else byLead.set(hit.leadId, [hit]);
  }
  return byLead;
}

/** What one provider is asked about a lead; the first form that the lead fills is the one that is sent. */
function questionSql(provider: AskableProvider, index: number): string {
  const hashes = provider.forms.map((form) => `p.${HASH_COLUMN[form]}`);
  return `(CAST(:provider${index} AS text), CAST(:baseUrl${index} AS text), COALESCE(${hashes.join(', ')}))`;
}
