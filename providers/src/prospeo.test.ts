import type { Question } from '@leadwell/shared/domain/question';
import type { AskedQuestion, FieldContract, ProviderResponse } from './adapter';
import { prospeo } from './prospeo';

const emails = prospeo.fields.emails as FieldContract;
const phones = prospeo.fields.phones as FieldContract;

const byName: Question = { form: 'name_domain', firstName: 'Ann', lastName: 'Doe', domain: 'acme.example' };
const asked: AskedQuestion[] = ['a', 'b', 'c', 'd'].map((id) => ({ id, question: byName }));

function email(address: unknown, more: object = {}) {
  return { status: 'VERIFIED', revealed: true, email: address, verification_method: 'SMTP', ...more };
}

function mobile(more: object = {}) {
  return {
    status: 'VERIFIED',
    revealed: true,
    mobile: '+491713920012',
    mobile_national: '0171 3920012',
    mobile_international: '+49 171 3920012',
    mobile_country: 'Germany',
    mobile_country_code: 'DE',
    ...more,
  };
}

function bulk(more: object) {
  return { error: false, total_cost: 0, matched: [], not_matched: [], invalid_datapoints: [], ...more };
}

function match(identifier: unknown, person: unknown) {
  return { identifier, person, company: null };
}

function read(
  contract: FieldContract,
  json: unknown,
  status = 200,
  headers: ProviderResponse['headers'] = {},
) {
  return contract.readResponse({ status, json, headers }, asked);
}

function answers(contract: FieldContract, json: unknown) {
  const result = read(contract, json);
  if (result.kind !== 'answers') throw new Error(`${result.kind}: ${result.reason}`);
  return result.answers;
}

describe('prospeo request', () => {
  it('sends every question with its identifier, and unmasks numbers only where they are asked', () => {
    const request = emails.buildRequest(asked.slice(0, 1), 'secret');
    expect(request).toEqual({
      method: 'POST',
      path: '/bulk-enrich-person',
      headers: { 'x-key': 'secret' },
      body: {
        only_verified_email: false,
        enrich_mobile: false,
        data: [{ identifier: 'a', first_name: 'Ann', last_name: 'Doe', company_website: 'acme.example' }],
      },
    });
    expect(phones.buildRequest(asked, 'k').body).toMatchObject({ enrich_mobile: true });
  });
});

describe('prospeo bulk answer', () => {
  it('is matched by identifier, in whatever order', () => {
    const got = answers(
      emails,
      bulk({
        total_cost: 2,
        matched: [
          match('c', { email: email('c@acme.example') }),
          match('a', { email: email('a@acme.example') }),
        ],
        not_matched: ['b'],
        invalid_datapoints: ['d'],
      }),
    );
    expect(got.get('a')).toMatchObject({
      outcome: 'hit',
      costCredits: 1,
      candidates: [{ value: 'a@acme.example' }],
    });
    expect(got.get('c')).toMatchObject({
      outcome: 'hit',
      costCredits: 1,
      candidates: [{ value: 'c@acme.example' }],
    });
    expect(got.get('b')).toEqual({ outcome: 'miss', costCredits: 0 });
    expect(got.get('d')).toMatchObject({ outcome: 'failed' });
  });

  it('leaves out an item it does not have: missing is failed, never a miss', () => {
    const got = answers(emails, bulk({ not_matched: ['a'] }));
    expect([...got.keys()]).toEqual(['a']);
  });

  it('ignores identifiers that were not asked, and the second of one that was', () => {
    const got = answers(
      emails,
      bulk({
        matched: [
          match('zz', { email: email('z@acme.example') }),
          match('a', { email: email('first@acme.example') }),
          match('a', { email: email('second@acme.example') }),
        ],
        not_matched: ['a', 'yy', 5, null],
      }),
    );
    expect([...got.keys()]).toEqual(['a']);
    expect(got.get('a')).toMatchObject({ candidates: [{ value: 'first@acme.example' }] });
  });

  it.each([
    { email: email('a***@acme.example') },
    { email: email('a***@acme.example', { revealed: false }) },
    { email: email('ann@acme.example', { revealed: false }) },
    { email: email(null, { status: 'UNAVAILABLE', revealed: false }) },
    { email: null },
    {},
  ])('never takes %j for a hit', (person) => {
    expect(answers(emails, bulk({ matched: [match('a', person)] })).get('a')).toMatchObject({
      outcome: 'miss',
    });
  });

  it('reads VERIFIED as deliverable, anything else as unknown', () => {
    const verdictOf = (status: unknown) =>
      answers(emails, bulk({ matched: [match('a', { email: email('a@acme.example', { status }) })] })).get(
        'a',
      );
    expect(verdictOf('VERIFIED')).toMatchObject({ candidates: [{ verdict: 'deliverable' }] });
    expect(verdictOf('UNVERIFIED')).toMatchObject({ candidates: [{ verdict: 'unknown' }] });
    expect(verdictOf(3)).toMatchObject({ candidates: [{ verdict: 'unknown' }] });
  });

  it('reads a number in E.164, by its country where it has no prefix', () => {
    const person = { mobile: mobile({ mobile_international: null, mobile: null }) };
    const got = answers(phones, bulk({ total_cost: 10, matched: [match('a', person)] }));
    expect(got.get('a')).toEqual({
      outcome: 'hit',
      costCredits: 10,
      candidates: [
        {
          kind: 'phone',
          value: '+491713920012',
          verdict: 'deliverable',
          confidence: null,
          lineType: 'mobile',
          flags: [],
        },
      ],
    });
  });

  it('never takes a masked number for a hit', () => {
    const masked = { mobile: '+4477*****', mobile_national: '077*****', mobile_international: '+44 77*****' };
    for (const person of [
      { mobile: mobile({ revealed: false }) },
      { mobile: mobile(masked) },
      { mobile: null },
    ]) {
      expect(answers(phones, bulk({ matched: [match('a', person)] })).get('a')).toMatchObject({
        outcome: 'miss',
      });
    }
  });

  it.each([
    { email: 7 },
    { email: [] },
    { email: 'ann@acme.example' },
    { email: email(7) },
    { email: email('a@b.example', { revealed: 'yes' }) },
  ])('does not answer from %j', (person) => {
    const got = answers(emails, bulk({ not_matched: ['b'], matched: [match('a', person)] }));
    expect([...got.keys()]).toEqual(['b']);
  });
});

describe('prospeo errors', () => {
  it('reads NO_MATCH as a miss of everything asked, whatever the status', () => {
    for (const status of [200, 400, 404]) {
      const result = read(emails, { error: true, error_code: 'NO_MATCH' }, status);
      expect(result.kind === 'answers' && [...result.answers.values()].map(({ outcome }) => outcome)).toEqual(
        asked.map(() => 'miss'),
      );
    }
  });

  it.each([
    ['INTERNAL_ERROR', 'transient'],
    ['INSUFFICIENT_CREDITS', 'no_credit'],
    ['INVALID_API_KEY', 'auth'],
    ['RATE_LIMITED', 'rate'],
    ['INVALID_DATAPOINTS', 'bad_input'],
    ['INVALID_REQUEST', 'bad_input'],
  ])('reads %s as %s, whatever the status', (error_code, kind) => {
    for (const status of [200, 400, 401, 429, 500]) {
      const result = read(emails, { error: true, error_code }, status);
      expect(result).toMatchObject({ kind, reason: `HTTP ${status} (${error_code})` });
    }
  });

  it('goes by the status where the code is unknown, and does not repeat it', () => {
    for (const json of [{ error: true, error_code: 'secret' }, undefined, '<html>', { error_code: {} }]) {
      expect(read(emails, json, 429)).toMatchObject({ kind: 'rate', reason: 'HTTP 429' });
      expect(read(emails, json, 500)).toMatchObject({ kind: 'transient' });
      expect(read(emails, json, 404)).toMatchObject({ kind: 'transient' });
      expect(read(emails, json, 200)).toMatchObject({ kind: 'transient' });
    }
  });

  it('waits until the window opens that is used up', () => {
    const resets = { 'x-minute-reset-seconds': '40', 'x-daily-reset-seconds': '3000' };
    const limited = { error: true, error_code: 'RATE_LIMITED' };
    const waitOf = (headers: ProviderResponse['headers']) => read(emails, limited, 429, headers);
    expect(waitOf({ ...resets, 'x-daily-request-left': '12' })).toMatchObject({ retryAfterSeconds: 40 });
    expect(waitOf({ ...resets, 'x-daily-request-left': '0' })).toMatchObject({ retryAfterSeconds: 3000 });
    expect(waitOf({ ...resets, 'retry-after': '2' })).toMatchObject({ retryAfterSeconds: 2 });
  });
});
