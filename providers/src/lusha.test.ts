import type { Question } from '@leadwell/shared/domain/question';
import type { AskedQuestion, FieldContract, ProviderResponse } from './adapter';
import { lusha } from './lusha';

const emails = lusha.fields.emails as FieldContract;
const phones = lusha.fields.phones as FieldContract;

const byName: Question = { form: 'name_domain', firstName: 'Ann', lastName: 'Doe', domain: 'acme.example' };
const asked: AskedQuestion[] = ['a', 'b', 'c', 'd'].map((id) => ({ id, question: byName }));

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

const body = (results: object[], creditsCharged: unknown = 0) => ({
  requestId: 'r',
  results,
  billing: { creditsCharged },
});
const found = (id: unknown, more: object) => ({ clientReferenceId: id, id: '1', ...more });
const failed = (id: string, code: string) => found(id, { error: { code, message: 'Ann Doe' } });
const email = (address: unknown, type = 'work') => ({
  email: address,
  type,
  confidence: 'A+',
  updateDate: '2026-01-01',
});
const phone = (number: unknown, type = 'mobile', doNotCall = false) => ({ number, type, doNotCall });

describe('lusha request', () => {
  it('sends known properties only, and reveals only what is asked', () => {
    expect(emails.buildRequest(asked.slice(0, 1), 'secret')).toEqual({
      method: 'POST',
      path: '/v3/contacts/search-and-enrich',
      headers: { api_key: 'secret' },
      body: {
        contacts: [
          { clientReferenceId: 'a', firstName: 'Ann', lastName: 'Doe', companyDomain: 'acme.example' },
        ],
        reveal: ['emails'],
      },
    });
    expect(phones.buildRequest(asked, 'k').body).toMatchObject({ reveal: ['phones'] });
  });
});

describe('lusha answer', () => {
  it('is matched by reference, and shares the bill among what was found', () => {
    const got = answers(
      emails,
      body(
        [
          failed('c', 'COMPLIANCE_RESTRICTED'),
          found('b', { emails: [email('b@acme.example')] }),
          failed('d', 'NOT_FOUND'),
          found('a', { emails: [email('a@acme.example')] }),
        ],
        4,
      ),
    );
    expect(got.get('a')).toMatchObject({
      outcome: 'hit',
      costCredits: 2,
      candidates: [{ value: 'a@acme.example' }],
    });
    expect(got.get('b')).toMatchObject({
      outcome: 'hit',
      costCredits: 2,
      candidates: [{ value: 'b@acme.example' }],
    });
    expect(got.get('c')).toMatchObject({ outcome: 'restricted' });
    expect(got.get('d')).toEqual({ outcome: 'miss', costCredits: 0 });
  });

  it('leaves out what it does not have or cannot be read: never a miss', () => {
    const results = [found('a', { emails: [] }), found('b', {}), found('c', { emails: [email(7)] })];
    expect([...answers(emails, body(results)).keys()]).toEqual(['a']);
  });

  it('reads a failed lookup as failed, and an unknown error as no answer', () => {
    const got = answers(emails, body([failed('a', 'ENRICH_FAILED'), failed('b', 'OTHER')]));
    expect(got.get('a')).toMatchObject({ outcome: 'failed' });
    expect(got.has('b')).toBe(false);
  });

  it('ignores what was not asked, and the second of what was', () => {
    const results = [
      found('zz', { emails: [email('z@acme.example')] }),
      found(5, { emails: [email('z@acme.example')] }),
      found('a', { emails: [] }),
      found('a', { emails: [email('a@acme.example')] }),
    ];
    expect([...answers(emails, body(results))]).toEqual([['a', { outcome: 'miss', costCredits: 0 }]]);
  });

  it('gives work addresses first, and flags a private one', () => {
    const results = [
      found('a', { emails: [email('ann@home.example', 'private'), email('ann@acme.example')] }),
    ];
    expect(answers(emails, body(results)).get('a')).toMatchObject({
      candidates: [
        { value: 'ann@acme.example', flags: [] },
        { value: 'ann@home.example', flags: ['personal', 'other_domain'] },
      ],
    });
  });

  it('gives mobile numbers first, keeps the line type and that nobody may call', () => {
    const results = [found('a', { phones: [phone('+12025550124', 'work', true), phone('+12025550123')] })];
    expect(answers(phones, body(results)).get('a')).toMatchObject({
      candidates: [
        { value: '+12025550123', lineType: 'mobile', flags: [] },
        { value: '+12025550124', lineType: 'fixed_line_or_mobile', flags: ['do_not_call'] },
      ],
    });
  });

  it('never takes a masked value for a hit, nor lets it spoil the others', () => {
    const masked = [found('a', { phones: [phone('+1202555****')] }), found('b', { phones: [phone(null)] })];
    expect([...answers(phones, body(masked)).values()].map(({ outcome }) => outcome)).toEqual([
      'miss',
      'miss',
    ]);
    const half = [found('a', { phones: [phone('+1202555****'), phone('+12025550123', 'direct')] })];
    expect(answers(phones, body(half)).get('a')).toMatchObject({ candidates: [{ value: '+12025550123' }] });
  });

  it.each([undefined, {}, [], { results: {} }, { results: [] }])('concludes nothing from %j', (json) => {
    expect(read(emails, json)).toMatchObject({ kind: 'transient' });
  });
});

describe('lusha errors', () => {
  it.each([
    [400, 'bad_input'],
    [401, 'auth'],
    [402, 'no_credit'],
    [403, 'auth'],
    [429, 'rate'],
    [500, 'transient'],
  ])('reads %i as %s, and repeats nothing that was written', (status, kind) => {
    const json = { statusCode: status, message: 'Ann Doe secret' };
    expect(read(emails, json, status)).toMatchObject({ kind, reason: `HTTP ${status}` });
  });

  it('waits for the window that is used up', () => {
    const waitOf = (headers: ProviderResponse['headers']) => read(emails, {}, 429, headers);
    expect(waitOf({ 'x-minute-requests-left': '0', 'x-daily-requests-left': '9' })).toMatchObject({
      retryAfterSeconds: 60,
    });
    expect(waitOf({ 'x-minute-requests-left': '0', 'x-daily-requests-left': '0' })).toMatchObject({
      retryAfterSeconds: 3600,
    });
    expect(waitOf({ 'retry-after': '2', 'x-minute-requests-left': '0' })).toMatchObject({
      retryAfterSeconds: 2,
    });
    expect(waitOf({})).toMatchObject({ retryAfterSeconds: null });
  });

  it('suppresses a person it may not tell of, once it is known who', () => {
    expect(read(emails, {}, 451)).toMatchObject({ kind: 'bad_input' });
    const alone = emails.readResponse({ status: 451, json: {}, headers: {} }, asked.slice(0, 1));
    expect(alone.kind === 'answers' && alone.answers.get('a')).toMatchObject({ outcome: 'restricted' });
  });
});
