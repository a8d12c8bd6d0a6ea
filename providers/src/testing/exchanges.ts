/**
 * Every exchange that the registered adapters have, with its recorded answer: what a test over all of them iterates, so that
 * a new adapter is covered by standing in the registry.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { FIELDS, type Field } from '@leadwell/shared/domain/enrichment';
import { questionOf, type LeadInputs } from '@leadwell/shared/domain/question';
import {
  isAsync,
  type Adapter,
  type AskedQuestion,
  type AsyncFieldContract,
  type CallResult,
  type FieldContract,
  type PollResult,
  type ProviderRequest,
  type ProviderResponse,
  type SubmitResult,
} from '../adapter';
import { parseJson } from '../parse-json';
import { ADAPTERS } from '../registry';

export type AnyResult = CallResult | SubmitResult | PollResult;

/** One exchange of a contract: the answer at once, or the submission and the poll. */
export interface Exchange {
  name: string;
  field: Field;
  kind: 'answer' | 'submission' | 'poll';
  /** The body of a 200, as the documentation shows it, for the questions q0, q1, …. */
  proper: unknown;
  contract: FieldContract | AsyncFieldContract;
  build: (asked: AskedQuestion, key: string) => ProviderRequest;
  read: (response: ProviderResponse, asked: readonly AskedQuestion[]) => AnyResult;
}

export const EXCHANGES: readonly Exchange[] = ADAPTERS.flatMap((adapter) =>
  FIELDS.flatMap((field) => exchangesOf(adapter, field)),
);

const LEAD: LeadInputs = {
  firstName: 'Ann',
  lastName: 'Doe',
  fullName: 'Ann Doe',
  companyName: 'Acme',
  companyDomain: 'acme.example',
  linkedinUrl: 'https://www.linkedin.com/in/ann-doe',
  email: 'ann@acme.example',
};

/** A question of each form that the contract names: q0, q1, …. */
export function askAll(contract: FieldContract | AsyncFieldContract): AskedQuestion[] {
  return contract.forms.slice(0, contract.maxQuestionsPerCall).map((form, i) => {
    const question = questionOf(LEAD, form);
    if (!question) throw new Error(`The lead does not fill ${form}`);
    return { id: `q${i}`, question };
  });
}

function exchangesOf(adapter: Adapter, field: Field): Exchange[] {
  const contract = adapter.fields[field];
  if (!contract) return [];
  const name = `${adapter.name} ${field}`;
  const proper = recorded(adapter.name, field);
  if (isAsync(contract)) return lateExchanges(name, field, contract, proper);
  return [
    {
      name,
      field,
      kind: 'answer',
      proper,
      contract,
      build: (one, key) => contract.buildRequest([one], key),
      read: (response, asked) => contract.readResponse(response, asked),
    },
  ];
}

function lateExchanges(
  name: string,
  field: Field,
  contract: AsyncFieldContract,
  proper: unknown,
): Exchange[] {
  const { submit, poll } = proper as Record<'submit' | 'poll', unknown>;
  return [
    {
      name: `${name} submission`,
      field,
      kind: 'submission',
      proper: submit,
      contract,
      build: (one, key) => contract.buildSubmit([one], key),
      read: (response, asked) => contract.readSubmit(response, asked),
    },
    {
      name: `${name} poll`,
      field,
      kind: 'poll',
      proper: poll,
      contract,
      build: (_, key) => contract.buildPoll('job', key),
      read: (response, asked) =>
        contract.readPoll(
          response,
          asked.map((one) => ({ ...one, externalId: `job/${one.id}` })),
        ),
    },
  ];
}

/** What some providers say and others have no word for: that a person may not be told of, and what a call cost. */
export function tellsOf(name: string): ReadonlySet<'restriction' | 'cost'> {
  return new Set(readRecorded(name).tells);
}

function recorded(name: string, field: Field): unknown {
  const body = readRecorded(name)[field];
  if (!body) throw new Error(`${name}.json of recorded/ has no answer to ${field}`);
  return body;
}

type Recorded = Partial<Record<Field, unknown>> & { tells: ('restriction' | 'cost')[] };

/** One file an adapter. */
function readRecorded(name: string): Recorded {
  const file = path.join(__dirname, '..', '..', 'recorded', `${name}.json`);
  return parseJson(readFileSync(file, 'utf8')) as Recorded;
}
