/** The service under test: its own use-cases and repositories on a real database, in one process. */
import {
  acceptRequest,
  type Acceptance,
  type AcceptDependencies,
} from '@leadwell/api/use-cases/accept-request';
import { cancelRequest } from '@leadwell/api/use-cases/cancel-request';
import type { Order as ServiceOrder } from '@leadwell/api/use-cases/order';
import { quoteRequest } from '@leadwell/api/use-cases/quote-request';
import { execute, query, type Knex } from '@leadwell/shared/db/database';
import { validationError } from '@leadwell/shared/domain/errors';
import { newId } from '@leadwell/shared/domain/ids';
import { hashQuestionForms } from '@leadwell/shared/domain/question';
import { addCredits } from '@leadwell/shared/ledger/add-credits';
import { batchJobId, type BatchQueues } from '@leadwell/shared/queue/batch-queues';
import { createRelay, type Relay } from '@leadwell/shared/relay/relay';
import { insertOrganisation } from '@leadwell/shared/repositories/organisations-admin';
import { insertSuppressions } from '@leadwell/shared/repositories/suppressions';
import type { Cancellation } from '@leadwell/shared/settle/cancel-request';
import { showInSearch } from '@leadwell/shared/testing/seed';
import { createHash } from 'node:crypto';
import pino from 'pino';
import type { Order } from './state';
import { BATCH_SIZE, inputsOf, LEADS, ORGANISATIONS, PRICE, START_CREDITS, WATERFALL } from './world';
import { Worker } from './worker';

const logger = pino({ level: 'silent' });
const CONFIG = {
  shareResults: 'on' as const,
  emailCredits: PRICE.emails,
  phoneCredits: PRICE.phones,
  batchSize: BATCH_SIZE,
  enrichmentDeadlineHours: 24,
  checkSeconds: 2,
};

/** Two-way names: of the model's requests, batches and questions, and the ids and hashes that the service has for them. */
export class Names {
  private readonly ids = new Map<string, string>();
  private readonly names = new Map<string, string>();

  set(name: string, id: string): void {
    this.ids.set(name, id);
    this.names.set(id, name);
  }
  idOf(name: string): string {
    const id = this.ids.get(name);
    if (id === undefined) throw new Error(`The service knows nothing named ${name}.`);
    return id;
  }
  nameOf(id: string): string {
    return this.names.get(id) ?? id;
  }
}

/** The queue, as BullMQ keeps it: a job whose id is there already is left alone. */
class FakeQueues implements BatchQueues {
  readonly jobs = new Map<string, 'waiting' | 'active'>();
  readonly queues = [];

  add(_field: unknown, jobs: readonly { batchId: string; generation: number }[]): Promise<void> {
    for (const job of jobs) {
      const id = batchJobId(job.batchId, job.generation);
      if (!this.jobs.has(id)) this.jobs.set(id, 'waiting');
    }
    return Promise.resolve();
  }
  getState(_field: unknown, jobId: string) {
    return Promise.resolve(this.jobs.get(jobId) ?? ('unknown' as const));
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

export class Service {
  readonly names = new Names();
  readonly queues = new FakeQueues();
  readonly orgIds: string[] = [];
  readonly leadIds: string[] = LEADS.map(() => newId());
  /** By the model's name of a question. */
  readonly hashes = new Map<string, Buffer>();
  readonly tag = newId().slice(-10);
  readonly worker: Worker;
  private readonly deps: AcceptDependencies;
  private readonly relay: Relay;

  private constructor(readonly knex: Knex) {
    const publisher = { publish: () => Promise.resolve() };
    this.deps = { knex, publisher, logger, config: CONFIG, waterfall: WATERFALL };
    this.relay = createRelay({ knex, queues: this.queues, waterfall: WATERFALL, config: CONFIG, logger });
    this.worker = new Worker(knex, this.hashes);
  }

  /** Two organisations and their leads, new ones: nothing of an earlier sequence is met. */
  static async start(knex: Knex): Promise<Service> {
    const service = new Service(knex);
    await knex.transaction(async (trx) => {
      for (const org of ORGANISATIONS) {
        const orgId = await insertOrganisation(trx, `Model ${org}`);
        await addCredits(trx, { orgId, amountCredits: START_CREDITS, source: 'manual', description: '' });
        service.orgIds.push(orgId);
      }
      await service.insertLeads(trx);
    });
    return service;
  }

  private async insertLeads(trx: Knex): Promise<void> {
    const people = LEADS.map((plan, lead) => {
      const inputs = inputsOf(plan, this.tag);
      const hashes = hashQuestionForms(inputs);
      for (const [form, word] of [
        ['linkedin', `in/${plan.linkedin}`],
        ['name_domain', `name/${plan.name}`],
      ] as const)
        if (hashes[form]) this.hashes.set(word, hashes[form]);
      const hex = { nd: hashes.name_domain?.toString('hex'), li: hashes.linkedin?.toString('hex') };
      return {
        id: this.leadIds[lead],
        org: plan.owner === null ? null : this.orgIds[plan.owner],
        ...inputs,
        ...hex,
      };
    });
    await execute(
      trx,
      `INSERT INTO people (id, seq, org_id, first_name, last_name, full_name, company_domain, linkedin_url,
                           name_domain_hash, linkedin_hash)
       SELECT p.id, (SELECT coalesce(max(seq), 0) FROM people) + row_number() OVER (), p.org, p."firstName", p."lastName",
              p."fullName", p."companyDomain", p."linkedinUrl", decode(p.nd, 'hex'), decode(p.li, 'hex')
         FROM jsonb_to_recordset(?::jsonb) AS p (id uuid, org uuid, "firstName" text, "lastName" text, "fullName" text,
              "companyDomain" text, "linkedinUrl" text, nd text, li text)`,
      [JSON.stringify(people)],
    );
    await showInSearch(trx);
  }

  async accept(order: Order, name: string): Promise<Acceptance> {
    // What was answered in the very millisecond of an acceptance counts as answered after it; here nothing is.
    while (Date.now() <= this.worker.answeredAtMs);
    const acceptance = await acceptRequest(this.deps, this.orderOf(order));
    if (acceptance.isReplay) return acceptance;
    this.names.set(name, acceptance.requestId);
    const batchIds = await query<{ id: string }>(
      this.knex,
      `SELECT e.batch_id AS id FROM enrichments e JOIN request_enrichments r ON r.enrichment_id = e.id AND r.request_id = e.request_id
        WHERE e.request_id = ? AND e.batch_id IS NOT NULL GROUP BY 1 ORDER BY min(r.position)`,
      [acceptance.requestId],
    );
    batchIds.forEach(({ id }, index) => this.names.set(`${name}#${index}`, id));
    return acceptance;
  }

  quote(order: Order) {
    return quoteRequest(this.deps, this.orderOf(order));
  }

  private orderOf(order: Order): ServiceOrder {
    const { retryOf, leads, key, field, retryNotFound, maxCredits } = order;
    const fingerprint = createHash('sha256').update(JSON.stringify(order)).digest();
    return {
      ...{ orgId: this.orgIds[order.org]!, userName: 'model', field, retryNotFound, maxCredits },
      priority: 'normal',
      idempotency: key === null ? null : { key, fingerprint },
      selection:
        retryOf === null
          ? {
              mode: 'manual',
              leadIds: leads.map((lead) => this.leadIds[lead]!),
              refuse: () => validationError([{ path: 'includedIds', message: 'no visible lead' }]),
            }
          : { mode: 'retry', requestId: this.names.idOf(retryOf) },
    };
  }

  cancel(org: number, request: string): Promise<Cancellation> {
    return cancelRequest(this.deps, this.orgIds[org]!, this.names.idOf(request));
  }

  async suppress(question: string, org: number | null): Promise<void> {
    const orgId = org === null ? null : this.orgIds[org]!;
    const origin = { source: 'operator' as const, reason: '', createdBy: 'model', erasureId: null };
    await insertSuppressions(
      this.knex,
      [{ kind: 'question', hash: this.hashes.get(question)!, orgId }],
      origin,
    );
  }

  async addCredits(org: number, amountCredits: number): Promise<void> {
    const addition = { orgId: this.orgIds[org]!, amountCredits, source: 'manual' as const, description: '' };
    await this.knex.transaction((trx) => addCredits(trx, addition));
  }

  /** The relay's step for one organisation, whose batches are all due. */
  async check(org: number): Promise<void> {
    const orgId = this.orgIds[org]!;
    await execute(
      this.knex,
      'UPDATE batches SET next_check_at = clock_timestamp() WHERE org_id = ? AND completed_at IS NULL',
      [orgId],
    );
    await this.relay.publish(orgId);
  }
}
