/** Apollo's match in bulk, the call that both fields make: answered by position. */
import type { Question } from '@leadwell/shared/domain/question';
import type { AskedQuestion, ProviderRequest, ProviderResponse } from './adapter';
import { failure, failureKindOfStatus, type Failure, unreadable } from './call-result';
import { items, property } from './reading';
import { waitForWindow } from './retry-after';

export const MAX_PEOPLE = 10;

const WINDOWS = [
  ['x-24-hour-requests-left', 86_400],
  ['x-hourly-requests-left', 3600],
  ['x-minute-requests-left', 60],
] as const;

/** The people in order; `flags` go into the query, for in the body clients have seen them ignored. */
export function buildMatch(
  questions: readonly AskedQuestion[],
  key: string,
  flags: Readonly<Record<string, string>>,
): ProviderRequest {
  return {
    method: 'POST',
    path: '/api/v1/people/bulk_match',
    query: { reveal_personal_emails: 'false', ...flags },
    headers: { 'x-api-key': key },
    body: { details: questions.map(({ question }) => detailsOf(question)) },
  };
}

function detailsOf(question: Question): Record<string, string> {
  switch (question.form) {
    case 'name_domain':
      return { first_name: question.firstName, last_name: question.lastName, domain: question.domain };
    case 'name_company':
      return {
        first_name: question.firstName,
        last_name: question.lastName,
        organization_name: question.company,
      };
    case 'linkedin':
      return { linkedin_url: question.linkedinUrl };
    case 'email':
      return { email: question.email };
  }
}

/** What Apollo matched at each position, or why that cannot be told. Never throws. */
export function readMatches(
  response: ProviderResponse,
  questions: readonly AskedQuestion[],
): readonly unknown[] | Failure {
  const failed = readFailure(response);
  if (failed) return failed;
  const matches = items(property(response.json, 'matches'));
  // One answer missing, and every position after it would be somebody else's.
  return matches.length === questions.length ? matches : unreadable(response);
}

/** What went wrong with a call of any kind; null where nothing did. */
export function readFailure(response: ProviderResponse): Failure | null {
  const { status, json, headers } = response;
  if (status === 429) return waitForWindow(failure('rate', response), headers, WINDOWS);
  if (status < 500 && isOutOfCredit(json)) return failure('no_credit', response);
  return status === 200 ? null : failure(failureKindOfStatus(status), response);
}

/** Nobody: null, or an object without anything. */
export function isBlank(person: unknown): boolean {
  return person === null || (typeof person === 'object' && Object.keys(person).length === 0);
}

/** Said in words, under several statuses. */
function isOutOfCredit(json: unknown): boolean {
  return ['error', 'error_code', 'error_message', 'message'].some((name) => {
    const said = property(json, name);
    return (
      typeof said === 'string' &&
      /(insufficient|not enough|out of|no) \w{0,20} ?credit|insufficient_credit/i.test(said.slice(0, 500))
    );
  });
}
