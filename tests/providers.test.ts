/** The adapters against the other side of their contracts, over HTTP. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  isAsync,
  jobOf,
  type Adapter,
  type Answer,
  type CallResult,
  type ProviderRequest,
  type ProviderResponse,
} from '@leadwell/providers/adapter';
import { parseJson } from '@leadwell/providers/parse-json';
import { maxQuestionsPerCall, type Provider, type Waterfall } from '@leadwell/providers/provider';
import { loadWaterfall } from '@leadwell/providers/provider-settings';
import { ADAPTERS } from '@leadwell/providers/registry';
import { tellsOf } from '@leadwell/providers/testing/exchanges';
import type { FaultKind } from '@leadwell/sandbox/faults';
import { createSandbox, type Sandbox } from '@leadwell/sandbox/sandbox';
import { sampleLeads } from '@leadwell/sandbox/sample/sample-leads';
import { CONTRACTS } from '@leadwell/sandbox/world';
import { loadConfig } from '@leadwell/shared/config/config';
import { FIELDS, type Field } from '@leadwell/shared/domain/enrichment';
import { firstQuestion, type LeadInputs, type Question } from '@leadwell/shared/domain/question';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';

let sandbox: Sandbox;
let waterfall: Waterfall;
/** Every provider with each of its fields, at the sandbox. */
let everyProvider: [Provider, Field][];

beforeEach(async () => {
  sandbox = createSandbox({ pace: 1000, latency: { minMs: 0, maxMs: 0 } });
  const port = await sandbox.listen(0);
  const config = loadConfig({ SANDBOX_PORT: String(port), SANDBOX_PACE: '1000' });
  waterfall = loadWaterfall(config, {}, { sandboxAllowed: true });
  everyProvider = loadEveryProvider(port);
});
afterEach(() => sandbox.close());

/** As a PROVIDERS_FILE that points everything at the sandbox has them. */
function loadEveryProvider(port: number): [Provider, Field][] {
  const directory = mkdtempSync(path.join(tmpdir(), 'providers-'));
  const file = path.join(directory, 'providers.json');
  const accountOf = ({ name }: Adapter) => ({ baseUrl: `http://127.0.0.1:${port}/${name}`, keyEnv: 'KEY' });
  const namesOf = (field: Field) => ADAPTERS.filter(({ fields }) => fields[field]).map(({ name }) => name);
  const providers = Object.fromEntries(ADAPTERS.map((adapter) => [adapter.name, accountOf(adapter)]));
  const named = { emails: namesOf('emails'), phones: namesOf('phones') };
  writeFileSync(file, JSON.stringify({ providers, waterfall: named }));
  const all = loadWaterfall(loadConfig({ PROVIDERS_FILE: file }), { KEY: 'sandbox-key' });
  rmSync(directory, { recursive: true });
  return FIELDS.flatMap((field) => all[field].map((provider): [Provider, Field] => [provider, field]));
}

/** A question of the provider's first form that every provider answers. */
function sureQuestion(provider: Provider, field: Field, number = 0): Question {
  const lead: LeadInputs = {
    firstName: `Ann${String.fromCharCode(97 + number)}`,
    lastName: 'Doe',
    fullName: 'Ann Doe',
    companyName: 'Always-Hit',
    companyDomain: 'always-hit.example',
    linkedinUrl: `https://www.linkedin.com/in/always-hit-${number}`,
    email: `ann${number}@always-hit.example`,
  };
  const question = firstQuestion(lead, provider.adapter.fields[field]?.forms ?? []);
  if (!question) throw new Error(`${provider.name} takes no lead`);
  return question;
}

/** The plainest caller there can be: no limit, no retry; where the provider answers later, it polls until it does. */
async function ask(provider: Provider, field: Field, questions: readonly Question[]): Promise<CallResult> {
  const contract = provider.adapter.fields[field];
  if (!contract) throw new Error(`${provider.name} does not serve ${field}`);
  const asked = questions.map((question, i) => ({ id: `q${i}`, question }));
  if (!isAsync(contract)) {
    return contract.readResponse(await send(provider, contract.buildRequest(asked, provider.key)), asked);
  }
  const taken = contract.readSubmit(await send(provider, contract.buildSubmit(asked, provider.key)), asked);
  if (taken.kind !== 'submitted') return taken;
  const polled = asked.flatMap((one) => {
    const externalId = taken.externalIds.get(one.id);
    return externalId === undefined ? [] : [{ ...one, externalId }];
  });
  const [first] = polled;
  if (!first) return { kind: 'answers', answers: taken.answers };
  for (let polls = 0; polls < 5; polls++) {
    const request = contract.buildPoll(jobOf(first.externalId), provider.key);
    const result = contract.readPoll(await send(provider, request), polled);
    if (result.kind === 'answers')
      return { ...result, answers: new Map([...taken.answers, ...result.answers]) };
    if (result.kind !== 'pending') return result;
  }
  throw new Error(`${provider.name} is never ready`);
}

async function send(provider: Provider, request: ProviderRequest): Promise<ProviderResponse> {
  const query = new URLSearchParams(request.query).toString();
  const response = await fetch(`${provider.baseUrl}${request.path}${query && `?${query}`}`, {
    method: request.method,
    headers: { ...request.headers, 'content-type': 'application/json' },
    redirect: 'manual',
    ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: Object.fromEntries(response.headers), json: parseJson(text) };
}

function inputsOf(lead: ReturnType<typeof sampleLeads>[number]): LeadInputs {
  return {
    firstName: lead.first_name,
    lastName: lead.last_name,
    fullName: `${lead.first_name} ${lead.last_name}`,
    companyName: lead.company || null,
    companyDomain: lead.company_domain || null,
    linkedinUrl: lead.linkedin_url || null,
    email: lead.email || null,
  };
}

/** Asks each provider in turn what the ones before did not find, in calls as large as it takes. */
async function enrich(field: Field, leads: readonly LeadInputs[]): Promise<Map<LeadInputs, Answer>> {
  const answers = new Map<LeadInputs, Answer>();
  for (const provider of waterfall[field]) {
    const forms = provider.adapter.fields[field]?.forms ?? [];
    const open = leads.flatMap((lead) => {
      const question = answers.get(lead)?.outcome === 'hit' ? null : firstQuestion(lead, forms);
      return question ? [{ lead, question }] : [];
    });
    const size = maxQuestionsPerCall(provider, field);
    for (let i = 0; i < open.length; i += size) {
      const call = open.slice(i, i + size);
      const result = await ask(
        provider,
        field,
        call.map(({ question }) => question),
      );
      if (result.kind !== 'answers') throw new Error(`${provider.name}: ${result.reason}`);
      call.forEach(({ lead }, at) => {
        const answer = result.answers.get(`q${at}`);
        if (answer) answers.set(lead, answer);
      });
    }
  }
  return answers;
}

describe('adapters and sandbox', () => {
  it.each([
    ['emails', 0.65, 0.75],
    ['phones', 0.5, 0.6],
  ] as const)(
    'find %s for %d to %d of the sample leads, every question asked once',
    async (field, least, most) => {
      const leads = sampleLeads().map(inputsOf);
      const answers = await enrich(field, leads);
      const hits = [...answers.values()].filter(({ outcome }) => outcome === 'hit');
      expect(hits.length / leads.length).toBeGreaterThan(least);
      expect(hits.length / leads.length).toBeLessThan(most);
      for (const { refusals, questions } of sandbox.stats().accounts) {
        expect(refusals).toEqual({ rate: 0, noCredit: 0, malformed: 0 });
        expect(questions.repeated).toBe(0);
      }
    },
  );

  it('agree on what every finding costs', async () => {
    const leads = sampleLeads().slice(0, 300).map(inputsOf);
    let told = 0;
    for (const field of ['emails', 'phones'] as const) {
      for (const answer of (await enrich(field, leads)).values()) {
        if (answer.outcome === 'hit') told += answer.costCredits ?? NaN;
      }
    }
    const used = sandbox.stats().accounts.reduce((sum, { credits }) => sum + credits.used, 0);
    // Used more: masked and invalid values are charged, and are no hits.
    expect(told).toBeGreaterThan(used * 0.9);
    expect(told).toBeLessThanOrEqual(used);
  });

  it('give valid numbers, and addresses at the domain asked or flagged', async () => {
    const leads = sampleLeads().slice(0, 400).map(inputsOf);
    const flags = new Map<string, number>();
    for (const [lead, answer] of await enrich('emails', leads)) {
      if (answer.outcome !== 'hit') continue;
      const [email] = answer.candidates;
      const isElsewhere = lead.companyDomain !== null && !email?.value.endsWith(`@${lead.companyDomain}`);
      expect(email?.flags.includes('other_domain')).toBe(isElsewhere);
      flags.set(email?.verdict ?? '', (flags.get(email?.verdict ?? '') ?? 0) + 1);
    }
    expect([...flags.keys()].sort()).toEqual(['catch_all', 'deliverable', 'unknown']);
    for (const answer of (await enrich('phones', leads)).values()) {
      if (answer.outcome !== 'hit') continue;
      expect(parsePhoneNumberFromString(answer.candidates[0]?.value ?? '')?.isValid()).toBe(true);
    }
  });

  it('keep to the same limits: what an adapter grants itself, the provider lets in', () => {
    for (const adapter of ADAPTERS) {
      const contract = CONTRACTS.find(({ name }) => name === adapter.name);
      const { limits: theirs = [], concurrent = Infinity } = contract ?? {};
      expect(theirs.length > 0 || concurrent < Infinity).toBe(true);
      expect(adapter.defaults.concurrent).toBeLessThanOrEqual(concurrent);
      for (const limit of theirs) {
        const ours = adapter.defaults.limits.filter(
          (own) => own.unit === limit.unit && own.perSeconds <= limit.perSeconds,
        );
        const most = Math.min(...ours.map((own) => (own.amount * limit.perSeconds) / own.perSeconds));
        expect(most).toBeLessThanOrEqual(limit.amount);
      }
    }
  });

  it.each([
    ['rate', 'rate'],
    ['no_credit', 'no_credit'],
    ['auth', 'auth'],
    ['500', 'transient'],
    ['bad_gateway', 'transient'],
    ['html', 'transient'],
    ['empty', 'transient'],
    ['cut_json', 'transient'],
    ['wrong_types', 'transient'],
    ['redirect', 'transient'],
  ] as [FaultKind, CallResult['kind']][])(
    'take the fault %s of every provider for %s',
    async (kind, expected) => {
      sandbox.addFault({ kind });
      for (const [provider, field] of everyProvider) {
        const question = sureQuestion(provider, field);
        const result = await ask(provider, field, [question]);
        expect([provider.name, result.kind]).toEqual([provider.name, expected]);
      }
      expect(sandbox.stats().redirectsFollowed).toBe(0);
    },
  );

  it('never take a masked value for a hit', async () => {
    for (const [provider, field] of everyProvider) {
      const question = sureQuestion(provider, field);
      const proper = await ask(provider, field, [question]);
      expect(proper.kind === 'answers' && proper.answers.get('q0')?.outcome).toBe('hit');
      sandbox.addFault({ kind: 'masked' });
      const masked = await ask(provider, field, [question]);
      sandbox.clearFaults();
      expect(masked.kind === 'answers' && masked.answers.get('q0')?.outcome).toBe('miss');
    }
  });

  it('take a lost item of a bulk answer for no miss', async () => {
    sandbox.addFault({ kind: 'missing_items' });
    for (const [provider, field] of everyProvider) {
      if (maxQuestionsPerCall(provider, field) < 4) continue;
      const questions = [0, 1, 2, 3].map((number) => sureQuestion(provider, field, number));
      const result = await ask(provider, field, questions);
      const outcomes = result.kind === 'answers' ? [...result.answers.values()] : [];
      // By position nothing of a shorter answer can be told.
      const isPositional = provider.adapter.fields[field]?.isPositional === true;
      expect([provider.name, outcomes.length]).toEqual([provider.name, isPositional ? 0 : 2]);
      expect(outcomes.filter(({ outcome }) => outcome !== 'hit')).toEqual([]);
    }
  });

  it('tell exactly what was charged for what they find', async () => {
    for (const [provider, field] of everyProvider) {
      sandbox.reset();
      const size = Math.min(4, maxQuestionsPerCall(provider, field));
      const questions = Array.from({ length: size }, (_, number) => sureQuestion(provider, field, number));
      const result = await ask(provider, field, questions);
      const answers = result.kind === 'answers' ? [...result.answers.values()] : [];
      const told = answers.reduce(
        (sum, answer) => sum + (answer.outcome === 'hit' ? (answer.costCredits ?? 0) : 0),
        0,
      );
      expect([provider.name, answers.length, told]).toEqual([
        provider.name,
        size,
        sandbox.stats().accounts[0]?.credits.used,
      ]);
      expect(told).toBeGreaterThan(0);
    }
  });

  it('pass on what a provider says its call cost, and say nothing where it does not', async () => {
    for (const [provider, field] of everyProvider) {
      if (isAsync(provider.adapter.fields[field]!)) continue;
      sandbox.reset();
      const size = Math.min(4, maxQuestionsPerCall(provider, field));
      const questions = Array.from({ length: size }, (_, number) => sureQuestion(provider, field, number));
      const result = await ask(provider, field, questions);
      const stated = result.kind === 'answers' ? (result.statedCredits ?? null) : undefined;
      const used = sandbox.stats().accounts[0]?.credits.used;
      expect([provider.name, field, stated]).toEqual([
        provider.name,
        field,
        tellsOf(provider.name).has('cost') ? used : null,
      ]);
      expect(used).toBeGreaterThan(0);
    }
  });

  it('are told "nothing found" and "may not be told" apart from each other', async () => {
    for (const [provider, field] of everyProvider) {
      const outcomeOf = async (wish: string) => {
        const text = JSON.stringify(sureQuestion(provider, field)).replaceAll('always-hit', wish);
        const result = await ask(provider, field, [JSON.parse(text) as Question]);
        return result.kind === 'answers' ? result.answers.get('q0')?.outcome : result.kind;
      };
      const [found, restricted] = [await outcomeOf('always-miss'), await outcomeOf('always-restricted')];
      expect([provider.name, found, restricted]).toEqual([
        provider.name,
        'miss',
        tellsOf(provider.name).has('restriction') ? 'restricted' : 'miss',
      ]);
    }
  });

  it('are as many on both sides', () => {
    expect(ADAPTERS.map(({ name }) => name)).toEqual(CONTRACTS.map(({ name }) => name));
  });
});
