import type { Client } from 'pg';

/**
 * What polling costs at least: the rows of 200 tasks by their index, on one prepared connection, without HTTP. Gives how many
 * there are.
 */
export async function pollByHand(client: Client, orgId: string, leadIds: readonly string[]): Promise<number> {
  const { rowCount } = await client.query({ ...POLL, values: [orgId, leadIds] });
  return rowCount ?? 0;
}

const POLL = {
  name: 'poll',
  text: `SELECT e.id, e.created_at, e.updated_at, e.entity_id, e.entity_type, e.field, e.status, e.error, e.data_found,
      e.created_by, e.org_id, e.lookup_id, e.credit_transaction_id
    FROM unnest($2::uuid[]) WITH ORDINALITY AS t (entity_id, position)
    CROSS JOIN LATERAL (SELECT * FROM enrichments WHERE org_id = $1 AND entity_type = 'person' AND entity_id = t.entity_id
      AND field = 'emails' AND superseded_at IS NULL LIMIT 1) e
    ORDER BY t.position`,
};
