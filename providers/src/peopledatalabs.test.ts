import type { Question } from '@leadwell/shared/domain/question';
import type { AskedQuestion, FieldContract, ProviderResponse } from './adapter';
import { peopledatalabs } from './peopledatalabs';

const emails = peopledatalabs.fields.emails as FieldContract;
const phones = peopledatalabs.fields.phones as FieldContract;

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

const match = (id: unknown, data: object, likelihood: unknown = 8) => ({
  status: 200,
  likelihood,
  data,
  metadata: { id },
});
const noMatch = (id: string, status = 404) => ({
  status,
  error: { type: 'not_found', message: '' },
  metadata: { id },
});

describe('people data labs request', () => {
  it('requires what is looked for, so that nothing else is billed', () => {
    expect(emails.buildRequest(asked.slice(0, 1), 'secret')).toEqual({
      method: 'POST',
      path: '/v5/person/bulk',
      headers: { 'x-api-key': 'secret' },
      body: {
        required: 'work_email',
        requests: [
          {
            metadata: { id: 'a' },
            params: { first_name: 'Ann', last_name: 'Doe', company: 'acme.example', min_likelihood: 6 },
          },
        ],
      },
    });
    expect(phones.buildRequest(asked, 'k').body).toMatchObject({ required: 'mobile_phone' });
  });
});

describe('people data labs answer', () => {
  it('is matched by metadata, in whatever order', () => {
    const got = answers(emails, [
      noMatch('c'),
      match('b', { work_email: 'b@acme.example' }),
      noMatch('d', 400),
      match('a', { work_email: 'A@acme.example' }, 9),
    ]);
    expect(got.get('a')).toEqual({
      outcome: 'hit',
      costCredits: 1,
      candidates: [
        {
          kind: 'email',
          value: 'a@acme.example',
          verdict: 'unknown',
          confidence: 0.9,
          lineType: null,
          flags: [],
        },
      ],
    });
    expect(got.get('b')).toMatchObject({ outcome: 'hit', candidates: [{ value: 'b@acme.example' }] });
    expect(got.get('c')).toEqual({ outcome: 'miss', costCredits: 0 });
    expect(got.get('d')).toMatchObject({ outcome: 'failed' });
  });

  it('leaves out an item it does not have, or that failed in passing: never a miss', () => {
    expect([...answers(emails, [noMatch('a'), noMatch('b', 500), noMatch('c', 429)]).keys()]).toEqual(['a']);
  });

  it('ignores what was not asked, and the second of what was', () => {
    const got = answers(emails, [
      match('zz', { work_email: 'z@acme.example' }),
      match(5, { work_email: 'z@acme.example' }),
      noMatch('a'),
      match('a', { work_email: 'a@acme.example' }),
    ]);
    expect([...got]).toEqual([['a', { outcome: 'miss', costCredits: 0 }]]);
  });

  it.each([true, false, null, 'a***@acme.example', ''])(
    'never takes %j for an address, though a match is billed',
    (work_email) => {
      expect(answers(emails, [match('a', { work_email })]).get('a')).toEqual({
        outcome: 'miss',
        costCredits: 1,
      });
    },
  );

  it('reads a number', () => {
    expect(answers(phones, [match('a', { mobile_phone: '+12025550123' })]).get('a')).toMatchObject({
      outcome: 'hit',
      candidates: [{ kind: 'phone', value: '+12025550123', lineType: 'mobile' }],
    });
    expect(answers(phones, [match('a', { mobile_phone: true })]).get('a')).toMatchObject({ outcome: 'miss' });
  });

  it.each([{ work_email: 7 }, { work_email: ['a@acme.example'] }, {}])('does not answer from %j', (data) => {
    expect([...answers(emails, [noMatch('b'), match('a', data)]).keys()]).toEqual(['b']);
  });

  it.each([undefined, {}, [], 'x', { status: 200, data: {} }])('concludes nothing from %j', (json) => {
    expect(read(emails, json)).toMatchObject({ kind: 'transient' });
  });
});

describe('people data labs errors', () => {
  it.each([
    [400, 'bad_input'],
    [401, 'auth'],
    [402, 'no_credit'],
    [404, 'transient'],
    [429, 'rate'],
    [500, 'transient'],
  ])('reads %i as %s, and repeats nothing that was written', (status, kind) => {
    const json = { status, error: { type: 'secret', message: 'Ann Doe' } };
    expect(read(emails, json, status)).toMatchObject({ kind, reason: `HTTP ${status}` });
  });
});
