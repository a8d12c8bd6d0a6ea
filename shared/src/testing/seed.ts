/** Rows for tests that start below acceptance: an organisation with credits, leads, and accepted work. */
import { execute, query, type Db, type Knex } from '../db/database';
import type { Field } from '../domain/enrichment';
import { newId } from '../domain/ids';
import { hashQuestionForms, type LeadInputs } from '../domain/question';

/** An organisation with `credits` on its account, added by a transaction as the ledger wants it. */
export async function seedOrganisation(knex: Knex, credits: number): Promise<string> {
  const orgId = newId();
  await execute(knex, 'INSERT INTO organisations (id, name) VALUES (?, ?)', [
    orgId,
    `Org ${orgId.slice(-6)}`,
  ]);
  await execute(knex, 'INSERT INTO credit_accounts (org_id, balance) VALUES (?, ?)', [orgId, credits]);
  if (credits > 0) {
    await execute(
      knex,
      `INSERT INTO credit_transactions (id, org_id, type, amount, source) VALUES (?, ?, 'credit_added', ?, 'manual')`,
      [newId(), orgId, credits],
    );
  }
  return orgId;
}

/** Leads of the shared directory, `person0@…` to `person<n-1>`; each fills every form but e-mail. Returns their ids in order. */
export async function seedLeads(knex: Knex, count: number, tag = newId().slice(-8)): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId());
  const rows = ids.map((id, index) => ({ id, ...describeLead(leadInputs(index, tag)) }));
  await execute(
    knex,
    `INSERT INTO people (id, seq, first_name, last_name, full_name, linkedin_url, company_name, company_domain,
                         name_domain_hash, name_company_hash, linkedin_hash)
     SELECT r.id, (SELECT coalesce(max(seq), 0) FROM people) + row_number() OVER (ORDER BY r.id), r.first, r.last, r.full_name, r.linkedin,
            r.company, r.domain, decode(r.nd, 'hex'), decode(r.nc, 'hex'), decode(r.li, 'hex')
       FROM jsonb_to_recordset(?::jsonb) AS r (id uuid, first text, last text, full_name text, linkedin text, company text, domain text,
            nd text, nc text, li text)`,
    [JSON.stringify(rows)],
  );
  await showInSearch(knex);
  return ids;
}

/** Leads that were written without what search looks at: it finds them where nothing is asked of them. */
export async function showInSearch(db: Db): Promise<void> {
  await execute(
    db,
    `INSERT INTO people_search (seq, id, org_id)
     SELECT seq, id, org_id FROM people p WHERE NOT EXISTS (SELECT FROM people_search s WHERE s.seq = p.seq)`,
  );
}

export function leadInputs(index: number, tag: string): LeadInputs {
  return {
    firstName: `First${index}`,
    lastName: `Last${tag}`,
    fullName: `First${index} Last${tag}`,
    companyName: `Company ${index % 7}`,
    companyDomain: `company${index % 7}.example`,
    linkedinUrl: `https://www.linkedin.com/in/first${index}-${tag}`,
    email: null,
  };
}

function describeLead(lead: LeadInputs) {
  const hashes = hashQuestionForms(lead);
  return {
    first: lead.firstName,
    last: lead.lastName,
    full_name: lead.fullName,
    linkedin: lead.linkedinUrl,
    company: lead.companyName,
    domain: lead.companyDomain,
    nd: hashes.name_domain?.toString('hex'),
    nc: hashes.name_company?.toString('hex'),
    li: hashes.linkedin?.toString('hex'),
  };
}

export interface AcceptedBatch {
  requestId: string;
  batchId: string;
  enrichmentIds: string[];
}

/** What accept writes for new leads: debit, request, one batch, pending rows; due at once. */
export async function seedAccepted(
  knex: Knex,
  options: {
    orgId: string;
    leadIds: readonly string[];
    field?: Field;
    price?: number;
    deadlineSeconds?: number;
  },
): Promise<AcceptedBatch> {
  const { orgId, leadIds, field = 'emails', price = 5, deadlineSeconds = 3_600 } = options;
  const ids = { requestId: newId(), batchId: newId(), debitId: newId() };
  const enrichmentIds = leadIds.map(() => newId());
  const total = leadIds.length * price;
  await knex.transaction(async (trx) => {
    await execute(trx, 'UPDATE credit_accounts SET balance = balance - ? WHERE org_id = ?', [total, orgId]);
    await execute(
      trx,
      `INSERT INTO credit_transactions (id, org_id, type, amount, operation_type, reference_id)
       VALUES (?, ?, 'credit_consumed', ?, ?, ?)`,
      [
        ids.debitId,
        orgId,
        total,
        field === 'emails' ? 'enrichment_email' : 'enrichment_phone',
        ids.requestId,
      ],
    );
    await execute(
      trx,
      `INSERT INTO requests (id, org_id, created_by, field, mode, total, credits_charged, credit_transaction_id)
       VALUES (?, ?, 'test', ?, 'manual', ?, ?, ?)`,
      [ids.requestId, orgId, field, leadIds.length, total, ids.debitId],
    );
    await execute(
      trx,
      `INSERT INTO batches (id, org_id, request_id, field, priority, size, deadline_at, next_check_at)
       VALUES (?, ?, ?, ?, 1, ?, clock_timestamp() + make_interval(secs => ?), clock_timestamp())`,
      [ids.batchId, orgId, ids.requestId, field, leadIds.length, deadlineSeconds],
    );
    await execute(
      trx,
      `INSERT INTO enrichments (id, org_id, entity_id, field, status, created_by, request_id, batch_id, price, credit_transaction_id,
                                created_at, updated_at)
       SELECT r.id, ?, r.lead, ?, 'pending', 'test', ?, ?, ?, ?, clock_timestamp(), clock_timestamp()
         FROM unnest(?::uuid[], ?::uuid[]) AS r (id, lead)`,
      [orgId, field, ids.requestId, ids.batchId, price, ids.debitId, enrichmentIds, [...leadIds]],
    );
    await execute(
      trx,
      `INSERT INTO request_enrichments (request_id, position, enrichment_id)
       SELECT ?, r.position - 1, r.id FROM unnest(?::uuid[]) WITH ORDINALITY AS r (id, position)`,
      [ids.requestId, enrichmentIds],
    );
  });
  return { requestId: ids.requestId, batchId: ids.batchId, enrichmentIds };
}

/** An organisation's balance in credits. */
export async function readBalance(knex: Knex, orgId: string): Promise<number> {
  const [account] = await query<{ balance: number }>(
    knex,
    'SELECT balance FROM credit_accounts WHERE org_id = ?',
    [orgId],
  );
  return account?.balance ?? Number.NaN;
}
