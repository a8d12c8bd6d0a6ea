import type { Question } from '@leadwell/shared/domain/question';
import type { AsyncFieldContract, ProviderResponse, SubmittedQuestion } from './adapter';
import { apollo } from './apollo';
import { parseJson } from './parse-json';

const phones = apollo.fields.phones as AsyncFieldContract;

const JOB = '-6763434991299099721';
const byProfile: Question = { form: 'linkedin', linkedinUrl: 'https://www.linkedin.com/in/ann' };
const asked: SubmittedQuestion[] = ['a', 'b', 'c'].map((id) => ({
  id,
  question: byProfile,
  externalId: `${JOB}/p-${id}`,
}));

function submit(json: unknown, status = 200, headers: ProviderResponse['headers'] = {}) {
  return phones.readSubmit({ status, json, headers }, asked);
}

function poll(json: unknown, status = 200, headers: ProviderResponse['headers'] = {}) {
  return phones.readPoll({ status, json, headers }, asked);
}

function answers(people: unknown, more: object = {}) {
  const result = poll({ webhook_result: { credits_consumed: 8, people, ...more } });
  if (result.kind !== 'answers') throw new Error(result.kind);
  return result.answers;
}

const MOBILE = '+491713920012';
const number = (over: object = {}) => ({
  raw_number: '0171 3920012',
  sanitized_number: MOBILE,
  type_cd: 'mobile',
  status_cd: 'valid_number',
  dnc_status_cd: 'not_found',
  ...over,
});
const person = (id: string, ...phone_numbers: unknown[]) => ({
  id: `p-${id}`,
  status: 'success',
  phone_numbers,
});

describe('apollo phones submission', () => {
  it('asks for numbers in the query, to be polled for', () => {
    expect(phones.buildSubmit(asked.slice(0, 1), 'secret')).toEqual({
      method: 'POST',
      path: '/api/v1/people/bulk_match',
      query: { reveal_personal_emails: 'false', reveal_phone_number: 'true', poll_only: 'true' },
      headers: { 'x-api-key': 'secret' },
      body: { details: [{ linkedin_url: 'https://www.linkedin.com/in/ann' }] },
    });
    expect(phones.maxQuestionsPerCall).toBe(10);
  });

  it.each([JOB, '9223372036854775807', '-9223372036854775808', '7'])(
    'is polled by exactly the id %s that Apollo gave, and each person by its own',
    (id) => {
      const body = `{"request_id":${id},"phone_enrichment":{"request_id":"65f2e4f1"},"credits_consumed":2,
        "matches":[{"id":"p-a"},null,{"id":"p-c"}]}`;
      const taken = submit(parseJson(body));
      expect(taken.kind === 'submitted' && [...taken.externalIds]).toEqual([
        ['a', `${id}/p-a`],
        ['c', `${id}/p-c`],
      ]);
      expect(taken.kind === 'submitted' && taken.statedCredits).toBe(2);
      expect(taken.kind === 'submitted' && [...taken.answers]).toEqual([
        ['b', { outcome: 'miss', costCredits: 0 }],
      ]);
      expect(phones.buildPoll(id, 'secret')).toEqual({
        method: 'GET',
        path: `/api/v1/webhook_result/${id}`,
        headers: { 'x-api-key': 'secret' },
      });
    },
  );

  it.each([undefined, null, 6.5, -6763434991299100000, '../users', '12345678901234567890', {}])(
    'is not polled by %j',
    (request_id) => {
      const taken = submit({ request_id, matches: [{ id: 'p-a' }, null, { id: 'p-c' }] });
      expect(taken).toMatchObject({ kind: 'submitted', externalIds: new Map() });
      expect(taken.kind === 'submitted' && [...taken.answers.keys()]).toEqual(['b']);
    },
  );

  it('leaves out who was matched without an id that can be matched by', () => {
    const matches = [{ id: 'p/a' }, { name: 'Ann' }, { id: 'p-c' }];
    const taken = submit({ request_id: 7, matches });
    expect(taken.kind === 'submitted' && [...taken.externalIds.keys(), ...taken.answers.keys()]).toEqual([
      'c',
    ]);
  });

  it.each([{}, { request_id: 7, matches: [null] }, { request_id: 7, matches: {} }, undefined])(
    'is not taken where positions do not fit: %j',
    (json) => expect(submit(json)).toMatchObject({ kind: 'transient' }),
  );
});

describe('apollo phones poll', () => {
  it.each([
    [5, 5],
    ['12', 12],
    [1.2, 2],
    [315_360_000, 3600],
    [-5, null],
    ['soon', null],
    [undefined, null],
  ])('waits while nothing is ready, for as long as it says: %j', (retry_after_seconds, seconds) => {
    const pending = poll({ error_code: 'result_pending', retry_after_seconds }, 404);
    expect(pending).toEqual({ kind: 'pending', retryAfterSeconds: seconds });
  });

  it.each([
    [404, 'request_id_unknown', 'bad_input'],
    [410, 'request_id_expired', 'bad_input'],
    [400, 'invalid_request_id', 'bad_input'],
    [404, 'not_found', 'transient'],
    [404, undefined, 'transient'],
    [410, undefined, 'transient'],
    [401, undefined, 'auth'],
    [403, 'API_INACCESSIBLE', 'auth'],
    [429, undefined, 'rate'],
    [500, 'result_pending', 'transient'],
  ])('reads %i %s as %s', (status, error_code, kind) => {
    expect(poll({ error_code, error: 'Ann secret' }, status)).toMatchObject({ kind });
    expect(JSON.stringify(poll({ error_code, error: 'Ann secret' }, status))).not.toContain('secret');
  });

  it('matches by the id of the person, in whatever order, and tells what was charged', () => {
    const got = answers([person('zz', number()), person('b'), person('a', number())], {
      credits_consumed: 16,
    });
    expect(got.get('a')).toMatchObject({
      outcome: 'hit',
      costCredits: 9,
      statedCredits: 8,
      candidates: [{ value: MOBILE, lineType: 'mobile', flags: [] }],
    });
    expect(got.get('b')).toEqual({ outcome: 'miss', costCredits: 1, statedCredits: 0 });
    expect([...got.keys()]).toEqual(['a', 'b']);
  });

  it('shares what the job cost over all its people, whoever polls for whom; says nothing where it says nothing', () => {
    const people = [person('a', number()), person('b', number()), person('zz', number()), person('c')];
    const statedOf = (more: object) =>
      [...answers(people, more).values()].map((one) => ('statedCredits' in one ? one.statedCredits : null));
    expect(statedOf({ credits_consumed: 24 })).toEqual([8, 8, 0]);
    for (const credits_consumed of [undefined, '24', -1, null])
      expect(statedOf({ credits_consumed })).toEqual([null, null, null]);
    // Charged for numbers that are masked: nobody's share is known, all of it is told.
    const masked = [person('a', number({ sanitized_number: '+49171*****' })), person('b')];
    expect([...answers(masked).values()]).toMatchObject([{ statedCredits: 4 }, { statedCredits: 4 }]);
  });

  it('is read where it is not wrapped', () => {
    expect(poll({ status: 'success', people: [person('a', number())] })).toMatchObject({ kind: 'answers' });
  });

  it.each([
    ['found', ['do_not_call']],
    ['pending', ['do_not_call_pending']],
    ['a new word', ['do_not_call']],
    ['not_on_dnc', []],
    [null, []],
  ])('keeps whether somebody may be called: %s', (dnc_status_cd, flags) => {
    expect(answers([person('a', number({ dnc_status_cd }))]).get('a')).toMatchObject({
      candidates: [{ flags }],
    });
  });

  it('gives the mobile first, and the switchboard as what it is', () => {
    const hq = number({ sanitized_number: '+493023125000', type_cd: 'work_hq' });
    const got = answers([person('a', hq, number())]).get('a');
    expect(got).toMatchObject({
      candidates: [{ value: MOBILE }, { value: '+493023125000', verdict: 'risky', flags: ['role'] }],
    });
  });

  it.each([
    number({ status_cd: 'invalid_number' }),
    number({ status_cd: 'unverified' }),
    number({ sanitized_number: '+49171*****' }),
    number({ sanitized_number: true }),
    number({ sanitized_number: null }),
  ])('never takes %j for a hit', (one) => {
    expect(answers([person('a', one)]).get('a')).toMatchObject({ outcome: 'miss', costCredits: 1 });
  });

  it.each([
    { id: 'p-a' },
    { id: 'p-a', phone_numbers: {} },
    { id: 'p-a', phone_numbers: [5, number({ status_cd: null }), number({ sanitized_number: 49171 })] },
    { ...person('a'), status: 'failed' },
  ])('concludes nothing from %j', (someone) => {
    expect([...answers([someone, person('b')]).keys()]).toEqual(['b']);
  });

  it('reads the result of a waterfall apart: what only a vendor says is neither hit nor miss', () => {
    const steps = (...numbers: string[]) => ({ phone_numbers: [{ vendors: [{ phone_numbers: numbers }] }] });
    const got = answers(
      [
        { id: 'p-a', phone_numbers: [number()], waterfall: steps(MOBILE) },
        { id: 'p-b', waterfall: steps() },
        { id: 'p-c', waterfall: steps(MOBILE) },
      ],
      { target_fields: ['phone_numbers'] },
    );
    expect([...got].map(([id, { outcome }]) => [id, outcome])).toEqual([
      ['a', 'hit'],
      ['b', 'miss'],
    ]);
  });

  it.each([undefined, {}, { webhook_result: null }, { webhook_result: { people: {} } }, { people: [] }])(
    'concludes nothing from %j',
    (json) => expect(poll(json)).toMatchObject({ kind: 'transient' }),
  );
});
