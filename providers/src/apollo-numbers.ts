/**
 * The people of an Apollo result that was polled for. Its own result and that of its waterfall differ, and are read apart:
 * the first says of each person whether looking worked, the second counts what was enriched and names its vendors.
 * Source: https://docs.apollo.io/docs/enrich-phone-and-email-using-data-waterfall
 */
import type { Candidate, Verdict } from '@leadwell/shared/domain/enrichment';
import { type Answer, itemOf, type SubmittedQuestion } from './adapter';
import { answerOfAll, isReadable, shareOf } from './answer';
import { phoneCandidate } from './candidate';
import { hasProperty, items, property, propertyAt } from './reading';

/** Taken for whoever is matched, whether or not there is a number. */
const MATCH_CREDITS = 1;
/** Which of several is given first. */
const TYPE_ORDER: readonly unknown[] = ['mobile', 'work_direct', 'work_direct_phone', 'other', 'home'];
const VERDICTS: ReadonlyMap<unknown, Verdict> = new Map([
  ['high', 'deliverable'],
  ['low', 'risky'],
]);

/** By question id. Who is not among the people, or cannot be read, gets no answer: that is no miss. */
export function readNumbers(payload: unknown, questions: readonly SubmittedQuestion[]): Map<string, Answer> {
  const isWaterfall =
    hasProperty(payload, 'target_fields') || hasProperty(payload, 'mobile_records_enriched');
  const listed = items(property(payload, 'people'));
  const numbersOf = new Map<unknown, readonly (Candidate | null)[] | null>();
  for (const person of listed) {
    const id = property(person, 'id');
    if (!numbersOf.has(id)) numbersOf.set(id, (isWaterfall ? readEnriched : readPerson)(person));
  }
  const bill = readBill(property(payload, 'credits_consumed'), [...numbersOf.values()]);
  const answers = new Map<string, Answer>();
  for (const { id, externalId } of questions) {
    const numbers = numbersOf.get(itemOf(externalId));
    if (numbers) answers.set(id, answerFrom(numbers, bill));
  }
  return answers;
}

type Numbers = readonly (Candidate | null)[] | null;

/** What the job's number search cost whoever has a number, and whoever has none; null where it does not say. */
interface Bill {
  found: number | null;
  missed: number | null;
}

/** The bill is the whole job's, whoever polls for whom: shared over all its people, the shares of all polls add up to it. */
function readBill(stated: unknown, people: readonly Numbers[]): Bill {
  const charged = people.filter(hasNumber).length;
  if (charged > 0)
    return { found: shareOf(stated, charged), missed: shareOf(stated, charged) === null ? null : 0 };
  // Charged all the same, for what nobody can read.
  return { found: null, missed: shareOf(stated, people.length) };
}

function hasNumber(numbers: Numbers): boolean {
  return numbers?.some((number) => number !== null) ?? false;
}

function answerFrom(numbers: readonly (Candidate | null)[], { found, missed }: Bill): Answer {
  const statedCredits = hasNumber(numbers) ? found : missed;
  const answer = answerOfAll(numbers, found === null ? null : found + MATCH_CREDITS);
  const cost = answer.outcome === 'miss' ? { costCredits: MATCH_CREDITS } : {};
  return { ...answer, ...cost, ...(statedCredits !== null && { statedCredits }) };
}

/** Null: looking failed, or what was found is unreadable. */
function readPerson(person: unknown): (Candidate | null)[] | null {
  const status = property(person, 'status') ?? 'success';
  return status === 'success' ? readList(property(person, 'phone_numbers')) : null;
}

/**
 * No numbers at all says that no vendor had one. What only a vendor says is no number that Apollo calls valid, and no miss
 * either.
 */
function readEnriched(person: unknown): (Candidate | null)[] | null {
  if (hasProperty(person, 'phone_numbers')) return readList(property(person, 'phone_numbers'));
  const steps = propertyAt(person, 'waterfall', 'phone_numbers');
  const vendors = items(steps).flatMap((step) => items(property(step, 'vendors')));
  const isSilent = vendors.every((vendor) => items(property(vendor, 'phone_numbers')).length === 0);
  return Array.isArray(steps) && isSilent ? [] : null;
}

/** Null: unreadable. What is not called valid is there, but nobody's. */
function readList(listed: unknown): (Candidate | null)[] | null {
  if (!Array.isArray(listed)) return null;
  const entries: readonly unknown[] = listed;
  const readable = entries.filter((item) => isText(property(item, 'status_cd')) && isShown(item));
  if (entries.length > 0 && readable.length === 0) return null;
  const rankOf = (item: unknown): number => TYPE_ORDER.indexOf(property(item, 'type_cd')) >>> 0;
  return readable.sort((a, b) => rankOf(a) - rankOf(b)).map(readNumber);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isShown(item: unknown): boolean {
  return isReadable(property(item, 'sanitized_number') ?? null);
}

function readNumber(item: unknown): Candidate | null {
  if (property(item, 'status_cd') !== 'valid_number') return null;
  const type = property(item, 'type_cd');
  return phoneCandidate(property(item, 'sanitized_number'), {
    // A switchboard reaches the company, not the person.
    verdict: type === 'work_hq' ? 'risky' : (VERDICTS.get(property(item, 'confidence_cd')) ?? 'unknown'),
    lineType: type,
    flags: [
      ...(type === 'home' ? ['personal'] : []),
      ...(type === 'work_hq' ? ['role'] : []),
      ...doNotCallFlags(property(item, 'dnc_status_cd') ?? null),
    ],
  });
}

/** A word that is not known keeps people from being called: the other mistake is the worse one. */
function doNotCallFlags(status: unknown): string[] {
  if (status === null || status === 'not_found' || status === 'not_on_dnc') return [];
  return [status === 'pending' ? 'do_not_call_pending' : 'do_not_call'];
}
