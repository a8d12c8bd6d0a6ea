import type { Question } from '@leadwell/shared/domain/question';
import { apollo } from './apollo';
import type { AskedQuestion, FieldContract, ProviderResponse } from './adapter';

const emails = apollo.fields.emails as FieldContract;

const byName: Question = { form: 'name_domain', firstName: 'Ann', lastName: 'Doe', domain: 'acme.example' };
const asked: AskedQuestion[] = ['a', 'b', 'c'].map((id) => ({ id, question: byName }));

function read(json: unknown, status = 200, headers: ProviderResponse['headers'] = {}) {
  return emails.readResponse({ status, json, headers }, asked);
}

function answers(matches: unknown, credits: unknown = 1) {
  const result = read({ status: 'success', credits_consumed: credits, matches });
  if (result.kind !== 'answers') throw new Error(`${result.kind}: ${result.reason}`);
  return result.answers;
}

const person = (email: unknown, email_status: unknown = 'verified') => ({ id: 'x', email, email_status });

describe('apollo request', () => {
  it('asks in order, with the flags in the query', () => {
    const byProfile: Question = { form: 'linkedin', linkedinUrl: 'https://www.linkedin.com/in/ann' };
    expect(
      emails.buildRequest([asked[0] as AskedQuestion, { id: 'z', question: byProfile }], 'secret'),
    ).toEqual({
      method: 'POST',
      path: '/api/v1/people/bulk_match',
      query: { reveal_personal_emails: 'false', reveal_phone_number: 'false' },
      headers: { 'x-api-key': 'secret' },
      body: {
        details: [
          { first_name: 'Ann', last_name: 'Doe', domain: 'acme.example' },
          { linkedin_url: 'https://www.linkedin.com/in/ann' },
        ],
      },
    });
  });
});

describe('apollo answer', () => {
  it('is read by position', () => {
    const got = answers([person('a@acme.example'), null, person('c@acme.example', 'extrapolated')], 2);
    expect(got.get('a')).toMatchObject({
      outcome: 'hit',
      costCredits: 1,
      candidates: [{ value: 'a@acme.example', verdict: 'deliverable' }],
    });
    expect(got.get('b')).toEqual({ outcome: 'miss', costCredits: 0 });
    expect(got.get('c')).toMatchObject({ candidates: [{ value: 'c@acme.example', verdict: 'risky' }] });
  });

  it.each([[[]], [[null, null]], [[null, null, null, null]], [{ 0: null }], [undefined]])(
    'is not read where positions do not fit: %j',
    (matches) => {
      expect(read({ matches })).toMatchObject({ kind: 'transient' });
    },
  );

  it.each([
    person('email_not_unlocked@domain.com', 'unavailable'),
    person('a***@acme.example'),
    person(null),
    person(''),
    person(true),
    person('a@acme.example', 'bounced'),
    {},
    null,
  ])('never takes %j for a hit', (someone) => {
    expect(answers([someone, null, null]).get('a')).toMatchObject({ outcome: 'miss' });
  });

  it.each([{ id: 'x' }, person(7), person(['a@acme.example']), 'x', 5])(
    'does not answer from %j',
    (someone) => {
      expect([...answers([someone, null, null]).keys()]).toEqual(['b', 'c']);
    },
  );

  it('costs its price where Apollo says nothing of it', () => {
    expect(answers([person('a@acme.example'), null, null], null).get('a')).toMatchObject({
      costCredits: 1,
    });
  });
});

describe('apollo errors', () => {
  it.each([
    [401, 'auth'],
    [403, 'auth'],
    [422, 'bad_input'],
    [429, 'rate'],
    [404, 'transient'],
    [500, 'transient'],
  ])('reads %i as %s, and repeats nothing that was written', (status, kind) => {
    expect(read({ error: 'Ann Doe secret' }, status)).toMatchObject({ kind, reason: `HTTP ${status}` });
    expect(read(undefined, status)).toMatchObject({ kind });
  });

  it.each([
    [422, { error: 'Insufficient credits' }],
    [402, {}],
    [200, { status: 'failed', error_code: 'INSUFFICIENT_CREDITS' }],
    [403, { error_message: 'You do not have enough: not enough lead credits' }],
  ])('finds the empty account in %i %j', (status, json) => {
    expect(read(json, status)).toMatchObject({ kind: 'no_credit' });
  });

  it('waits for the window that is used up', () => {
    const waitOf = (headers: ProviderResponse['headers']) => read({}, 429, headers);
    expect(waitOf({ 'x-minute-requests-left': '0' })).toMatchObject({ retryAfterSeconds: 60 });
    expect(waitOf({ 'x-24-hour-requests-left': '0' })).toMatchObject({ retryAfterSeconds: 3600 });
    expect(waitOf({ 'retry-after': '30', 'x-minute-requests-left': '0' })).toMatchObject({
      retryAfterSeconds: 30,
    });
  });
});
