import { createHash } from 'node:crypto';
import type { Knex } from '@leadwell/shared/db/database';
import { execute } from '@leadwell/shared/db/database';
import type { ApiKeyScope } from '@leadwell/shared/domain/api-key';
import { newId, SHARED_SCOPE } from '@leadwell/shared/domain/ids';
import { hashQuestionForms, type LeadInputs } from '@leadwell/shared/domain/question';
import { addCredits } from '@leadwell/shared/ledger/add-credits';
import { insertApiKey, insertOrganisation } from '@leadwell/shared/repositories/organisations-admin';
import { showInSearch } from '@leadwell/shared/testing/seed';

export interface Tenant {
  orgId: string;
  apiKey: string;
  keyId: string;
}

/** An organisation with an API key and credits. */
export async function seedTenant(
  knex: Knex,
  options: { credits?: number; scopes?: ApiKeyScope[]; expiresAt?: Date } = {},
): Promise<Tenant> {
  return knex.transaction(async (trx) => {
    const orgId = await insertOrganisation(trx, 'Test');
    const { credits = 0, scopes = ['read', 'enrich', 'import'], expiresAt = null } = options;
    if (credits > 0) {
      await addCredits(trx, { orgId, amountCredits: credits, source: 'manual', description: 'test' });
    }
    const issued = await insertApiKey(trx, { orgId, userName: 'tester', scopes, expiresAt });
    return { orgId, ...issued };
  });
}

/**
 * Leads of the shared directory (or of one organisation), each another person at a company of its own. Gives their ids in search
 * order. `wish` stands in every question about them: the sandbox obeys some, see its truth.ts.
 */
export async function seedLeads(
  knex: Knex,
  count: number,
  orgId: string | null = null,
  wish?: string,
): Promise<string[]> {
  return insertLeads(knex, Array.from({ length: count }, newId), orgId, wish);
}

/** As seedLeads, with ids of the caller's: the same id is the same person in every run. */
export async function insertLeads(
  knex: Knex,
  ids: readonly string[],
  orgId: string | null = null,
  wish?: string,
): Promise<string[]> {
  const people = ids.map((id) => {
    const lead = leadOf(id, wish);
    return { id, lead, hashes: hashQuestionForms(lead) };
  });
  await execute(
    knex,
    `INSERT INTO people (id, seq, org_id, first_name, last_name, full_name, company_name, company_domain, linkedin_url,
       name_domain_hash, name_company_hash, linkedin_hash)
     SELECT p.id, (SELECT COALESCE(max(seq), 0) FROM people) + p.position, :orgId, p.first, p.last, p.first || ' ' || p.last,
            p.company, p.domain, p.linkedin, p.h1, p.h2, p.h3
     FROM unnest(:ids::uuid[], :firsts::text[], :lasts::text[], :companies::text[], :domains::text[], :linkedins::text[],
       :h1::bytea[], :h2::bytea[], :h3::bytea[])
       WITH ORDINALITY AS p (id, first, last, company, domain, linkedin, h1, h2, h3, position)`,
    {
      orgId,
      ids: people.map(({ id }) => id),
      firsts: people.map(({ lead }) => lead.firstName),
      lasts: people.map(({ lead }) => lead.lastName),
      companies: people.map(({ lead }) => lead.companyName),
      domains: people.map(({ lead }) => lead.companyDomain),
      linkedins: people.map(({ lead }) => lead.linkedinUrl),
      h1: people.map(({ hashes }) => hashes.name_domain),
      h2: people.map(({ hashes }) => hashes.name_company),
      h3: people.map(({ hashes }) => hashes.linkedin),
    },
  );
  await showInSearch(knex);
  return people.map(({ id }) => id);
}

/** A stored answer to the lead's first question to a provider. */
export async function seedHit(
  knex: Knex,
  hit: {
    leadId: string;
    provider: string;
    baseUrl: string;
    form: 'name_domain' | 'linkedin';
    value: string;
    scope?: string;
    answeredAt?: Date;
    expiresAt?: Date;
  },
): Promise<string> {
  const id = newId();
  await execute(
    knex,
    `INSERT INTO lookups (id, provider, base_url, field, input_hash, scope, state, asked_at, answered_at, expires_at, candidates)
     VALUES (:id, :provider, :baseUrl, 'emails', :hash, :scope, 'hit', :answeredAt, :answeredAt, :expiresAt, :candidates)`,
    {
      ...hit,
      id,
      hash: hashQuestionForms(leadOf(hit.leadId))[hit.form],
      scope: hit.scope ?? SHARED_SCOPE,
      answeredAt: hit.answeredAt ?? new Date(),
      expiresAt: hit.expiresAt ?? new Date(Date.now() + 86_400_000),
      candidates: JSON.stringify([
        {
          kind: 'email',
          value: hit.value,
          verdict: 'deliverable',
          confidence: 0.9,
          lineType: null,
          flags: [],
        },
      ]),
    },
  );
  return id;
}

function leadOf(id: string, wish?: string): LeadInputs {
  const mark = createHash('sha256').update(id).digest('hex').slice(0, 10);
  return {
    firstName: 'Ada',
    lastName: `Byron${mark}`,
    fullName: `Ada Byron${mark}`,
    companyName: `${wish ?? 'Engine'} ${mark}`,
    companyDomain: `${wish ?? 'engine'}-${mark}.example`,
    linkedinUrl: `https://www.linkedin.com/in/ada-${wish ? `${wish}-` : ''}${mark}`,
    email: null,
  };
}
