import type { AskedQuestion, FieldContract, ProviderResponse } from './adapter';
import { hunter } from './hunter';

const emails = hunter.fields.emails as FieldContract;
const asked: AskedQuestion = {
  id: 'q1',
  question: { form: 'name_domain', firstName: 'Ann', lastName: 'Doe', domain: 'acme.example' },
};

/** As recorded in Hunter's documentation, names changed. */
const FOUND = {
  data: {
    first_name: 'Ann',
    last_name: 'Doe',
    email: 'Ann.Doe@acme.example',
    score: 97,
    domain: 'acme.example',
    accept_all: false,
    position: 'Cofounder',
    twitter: null,
    linkedin_url: null,
    phone_number: null,
    company: 'Acme',
    sources: [
      {
        domain: 'acme.example',
        uri: 'http://acme.example',
        extracted_on: '2019-01-01',
        last_seen_on: '2026-01-01',
      },
    ],
    verification: { date: '2026-06-14', status: 'valid' },
  },
  meta: { params: { first_name: 'Ann', last_name: 'Doe', domain: 'acme.example' } },
};

function read(status: number, json: unknown, headers: ProviderResponse['headers'] = {}) {
  return emails.readResponse({ status, json, headers }, [asked]);
}

function answer(status: number, json: unknown) {
  const result = read(status, json);
  return result.kind === 'answers' ? result.answers.get('q1') : result;
}

function withData(data: object) {
  return { ...FOUND, data: { ...FOUND.data, ...data } };
}

function errors(code: number, id: string) {
  return { errors: [{ id, code, details: 'Ann Doe secret-key' }] };
}

describe('hunter', () => {
  it('asks by domain, company or LinkedIn handle, with the key in a header only', () => {
    expect(emails.buildRequest([asked], 'secret-key')).toEqual({
      method: 'GET',
      path: '/v2/email-finder',
      query: { domain: 'acme.example', first_name: 'Ann', last_name: 'Doe' },
      headers: { 'x-api-key': 'secret-key' },
    });
    const byHandle = { form: 'linkedin', linkedinUrl: 'https://www.linkedin.com/in/ann-doé' } as const;
    expect(emails.buildRequest([{ id: 'q', question: byHandle }], 'k').query).toEqual({
      linkedin_handle: 'ann-doé',
    });
    const byCompany = { form: 'name_company', firstName: 'Ann', lastName: 'Doe', company: 'Acme' } as const;
    expect(emails.buildRequest([{ id: 'q', question: byCompany }], 'k').query).toMatchObject({
      company: 'Acme',
    });
  });

  it('reads a found address', () => {
    expect(answer(200, FOUND)).toEqual({
      outcome: 'hit',
      costCredits: 1,
      candidates: [
        {
          kind: 'email',
          value: 'ann.doe@acme.example',
          verdict: 'deliverable',
          confidence: 0.97,
          lineType: null,
          flags: [],
        },
      ],
    });
  });

  it.each([
    ['valid', 'deliverable'],
    ['accept_all', 'catch_all'],
    ['webmail', 'unknown'],
    ['disposable', 'risky'],
    ['unknown', 'unknown'],
    ['new word', 'unknown'],
    [null, 'unknown'],
    [{}, 'unknown'],
  ])('reads status %j as %s', (status, verdict) => {
    expect(answer(200, withData({ verification: { status } }))).toMatchObject({ candidates: [{ verdict }] });
  });

  it('takes an address that Hunter calls invalid for a miss, though it was charged', () => {
    const invalid = withData({ verification: { status: 'invalid' } });
    expect(answer(200, invalid)).toEqual({ outcome: 'miss', costCredits: 1 });
  });

  it.each([
    [200, withData({ email: null })],
    [200, withData({ email: '' })],
    [404, errors(404, 'not_found')],
  ])('reads %i without an address as a miss that cost nothing', (status, json) => {
    expect(answer(status, json)).toEqual({ outcome: 'miss', costCredits: 0 });
  });

  it('never takes a masked address for a hit', () => {
    for (const email of ['a***@acme.example', true]) {
      expect(answer(200, withData({ email }))).toMatchObject({ outcome: 'miss' });
    }
  });

  it('flags an address on another domain', () => {
    const elsewhere = withData({ email: 'ann@other.example' });
    expect(answer(200, elsewhere)).toMatchObject({ candidates: [{ flags: ['other_domain'] }] });
  });

  it('suppresses a person who asked not to be found', () => {
    expect(answer(451, errors(451, 'claimed_email'))).toMatchObject({ outcome: 'restricted' });
  });

  it.each([
    [403, 'rate'],
    [429, 'no_credit'],
    [401, 'auth'],
    [400, 'bad_input'],
    [500, 'transient'],
    [503, 'transient'],
    [302, 'transient'],
    [202, 'transient'],
  ])('reads %i as %s, and repeats nothing that was written', (status, kind) => {
    const result = read(status, errors(status, 'secret-key'));
    expect(result).toMatchObject({ kind, reason: `HTTP ${status}` });
    expect(JSON.stringify(result)).not.toMatch(/secret|Ann/);
  });

  it('waits as long as it is told', () => {
    expect(read(403, {}, { 'retry-after': '17' })).toMatchObject({ kind: 'rate', retryAfterSeconds: 17 });
    expect(read(403, {})).toMatchObject({ kind: 'rate', retryAfterSeconds: null });
  });

  it.each([
    [200, undefined],
    [200, {}],
    [200, { data: {} }],
    [200, { data: { email: 5 } }],
    [200, { data: { email: ['ann@acme.example'] } }],
    [404, undefined],
    [404, 'no such host'],
  ])('concludes no miss from %i with %j', (status, json) => {
    expect(read(status, json)).toMatchObject({ kind: 'transient' });
  });
});
