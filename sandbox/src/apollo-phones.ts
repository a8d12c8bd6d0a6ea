/**
 * Apollo's numbers: handed in with a match, fetched by the id of the request, a signed integer of 64 bits that no JSON
 * number of JavaScript holds. The first fetch comes too early. Source: https://docs.apollo.io/reference/poll-webhook-result
 */
import { createHash } from 'node:crypto';
import type { Asked, Call, Found, Jobs, Reply, Subject } from './contract';

export const RESULT_PATH = '/api/v1/webhook_result/';
const MATCH_CREDITS = 1;
const NUMBER_CREDITS = 8;
/** The provider says minutes: nobody is to wait that long here. */
const FIRST_POLL = { 'retry-after': '4' };
const NEXT_POLL_SECONDS = 1;

interface Job {
  id: bigint;
  people: object[];
  creditsConsumed: number;
  polls: number;
}

/** Whether numbers may be looked for: somebody must be there to get them. */
export function isRevealing({ query }: Call): boolean {
  return query.get('poll_only') === 'true' || query.has('webhook_url');
}

/** Apollo's id of a person: 24 hexadecimal digits. */
export function personIdOf(subject: Subject): string {
  return createHash('md5').update(subject.id).digest('hex').slice(0, 24);
}

/** Answers with who is matched, by position, and keeps their numbers for later. */
export function takeIn(subjects: readonly (Subject | null)[], found: readonly Found[], jobs: Jobs): Reply {
  const answered = found[Symbol.iterator]();
  const people = subjects.map((subject) => {
    const one = subject ? answered.next().value : undefined;
    return subject && one && isKnown(subject, one) ? { subject, ...one } : null;
  });
  const known = people.flatMap((person) => person ?? []);
  const paid = known.filter(({ finding, isFree }) => finding.kind === 'phone' && !isFree).length;
  const id = requestId(jobs.size);
  // Not in the order asked: nobody may count on it.
  const written = known.map(writePerson).reverse();
  const job: Job = { id, people: written, creditsConsumed: paid * NUMBER_CREDITS, polls: 0 };
  jobs.set(String(id), job);
  const body = {
    request_id: id,
    status: 'success',
    error_code: null,
    error_message: null,
    total_requested_enrichments: subjects.length,
    unique_enriched_records: known.length,
    missing_records: subjects.length - known.length,
    credits_consumed: paid * MATCH_CREDITS,
    // Its own id is of no use for polling, there as here.
    phone_enrichment: { status: 'pending', request_id: personIdOf({ id: String(id) } as Subject) },
    matches: people.map((person) => person && matchOf(person.subject)),
  };
  return { status: 200, body, headers: FIRST_POLL };
}

/** Of those without a number, about half are known all the same. */
function isKnown(subject: Subject, { finding }: Found): boolean {
  return finding.kind === 'phone' || (finding.kind === 'miss' && /^[0-7]/.test(personIdOf(subject)));
}

/** Beyond 2^53 always, below zero every other time. */
function requestId(number: number): bigint {
  const id = 6_763_434_991_299_099_721n + BigInt(number);
  return number % 2 ? id : -id;
}

function matchOf(subject: Subject): object {
  const { firstName, lastName } = subject;
  return {
    id: personIdOf(subject),
    first_name: firstName,
    last_name: lastName,
    name: `${firstName} ${lastName}`,
  };
}

function writePerson({ subject, finding }: Found & { subject: Subject }): object {
  return { id: personIdOf(subject), status: 'success', phone_numbers: numbersOf(finding) };
}

function numbersOf(finding: Found['finding']): object[] {
  if (finding.kind !== 'phone') return [];
  const { number } = finding.phone;
  return [
    {
      raw_number: number,
      sanitized_number: finding.isMasked ? `${number.slice(0, 6)}*****` : number,
      type_cd: 'mobile',
      position: 0,
      status_cd: 'valid_number',
      confidence_cd: 'high',
      dnc_status_cd: Number(number.at(-1)) === 0 ? 'found' : 'not_found',
    },
  ];
}

/** What a poll asks: nobody, of a job that is there. */
export function readPoll(call: Call, jobs: Jobs): Asked | Reply {
  const id = call.path.slice(RESULT_PATH.length);
  if (!/^-?\d{1,19}$/.test(id)) return refusePoll(400, 'invalid_request_id');
  const job = jobs.get(id) as Job | undefined;
  if (!job) return refusePoll(404, 'request_id_unknown');
  return { subjects: [], priceOf: () => 0, write: () => writeResult(job) };
}

function refusePoll(status: number, code: string, more: object = {}): Reply {
  return { status, body: { status: 'failed', error_code: code, error_message: code, ...more } };
}

function writeResult(job: Job): Reply {
  job.polls++;
  if (job.polls === 1) return refusePoll(404, 'result_pending', { retry_after_seconds: NEXT_POLL_SECONDS });
  const result = { status: 'success', credits_consumed: job.creditsConsumed, people: job.people };
  return { status: 200, body: { request_id: job.id, webhook_status: 'success', webhook_result: result } };
}
