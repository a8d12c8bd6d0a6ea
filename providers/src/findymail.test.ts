import type { Question } from '@leadwell/shared/domain/question';
import type { FieldContract, ProviderResponse } from './adapter';
import { findymail } from './findymail';

const emails = findymail.fields.emails as FieldContract;
const phones = findymail.fields.phones as FieldContract;

const byName: Question = { form: 'name_domain', firstName: 'Ann', lastName: 'Doe', domain: 'acme.example' };
const byProfile: Question = { form: 'linkedin', linkedinUrl: 'https://www.linkedin.com/in/ann-doe' };

function read(
  contract: FieldContract,
  status: number,
  json: unknown,
  headers: ProviderResponse['headers'] = {},
) {
  const question = contract === emails ? byName : byProfile;
  const result = contract.readResponse({ status, json, headers }, [{ id: 'q1', question }]);
  return result.kind === 'answers' ? result.answers.get('q1') : result;
}

const contact = (more: object = {}) => ({
  name: 'Ann Doe',
  domain: 'acme.example',
  email: 'Ann@acme.example',
  ...more,
});

describe('findymail request', () => {
  it('asks by name and place, or by profile, with the key as bearer', () => {
    expect(emails.buildRequest([{ id: 'q', question: byName }], 'secret')).toEqual({
      method: 'POST',
      path: '/api/search/name',
      headers: { authorization: 'Bearer secret' },
      body: { name: 'Ann Doe', domain: 'acme.example' },
    });
    const byCompany = {
      form: 'name_company',
      firstName: 'Ann',
      lastName: 'Doe',
      company: 'Acme Inc',
    } as const;
    expect(emails.buildRequest([{ id: 'q', question: byCompany }], 'k').body).toEqual({
      name: 'Ann Doe',
      domain: 'Acme Inc',
    });
    expect(emails.buildRequest([{ id: 'q', question: byProfile }], 'k')).toMatchObject({
      path: '/api/search/business-profile',
      body: { linkedin_url: 'https://www.linkedin.com/in/ann-doe' },
    });
    expect(phones.buildRequest([{ id: 'q', question: byProfile }], 'k').path).toBe('/api/search/phone');
  });
});

describe('findymail address', () => {
  it.each([{ contact: contact() }, { payload: { contact: contact() } }, { email: 'Ann@acme.example' }])(
    'is read from %j',
    (json) => {
      expect(read(emails, 200, json)).toEqual({
        outcome: 'hit',
        costCredits: 1,
        candidates: [
          {
            kind: 'email',
            value: 'ann@acme.example',
            verdict: 'deliverable',
            confidence: null,
            lineType: null,
            flags: [],
          },
        ],
      });
    },
  );

  it.each([
    [404, { error: 'Contact not found' }],
    [404, { message: 'No contact found.' }],
    [404, { contact: null }],
    [200, { contact: null }],
    [200, { contact: { name: 'Ann Doe', email: null } }],
    [200, { error: 'Contact not found' }],
    [200, { email: null }],
  ])('%i %j is a miss that cost nothing', (status, json) => {
    expect(read(emails, status, json)).toEqual({ outcome: 'miss', costCredits: 0 });
  });

  it('is never taken from what is masked', () => {
    expect(read(emails, 200, { contact: contact({ email: 'a**@acme.example' }) })).toMatchObject({
      outcome: 'miss',
    });
  });

  it('is flagged where it is on another domain', () => {
    const elsewhere = { contact: contact({ email: 'ann@other.example' }) };
    expect(read(emails, 200, elsewhere)).toMatchObject({ candidates: [{ flags: ['other_domain'] }] });
  });
});

describe('findymail number', () => {
  it.each([
    { phone: '+12025550123', line_type: 'mobile' },
    { contact: { phone: '+1 202 555 0123', line_type: 'mobile' } },
  ])('is read from %j, with the line type that the numbering plan leaves open', (json) => {
    expect(read(phones, 200, json)).toMatchObject({
      outcome: 'hit',
      costCredits: 10,
      candidates: [{ value: '+12025550123', lineType: 'mobile' }],
    });
  });

  it.each([{ phones: ['+491713920012'] }, { phones: [{ phone: '+491713920012' }] }])(
    'is read from %j',
    (json) => {
      expect(read(phones, 200, json)).toMatchObject({
        candidates: [{ value: '+491713920012', lineType: 'mobile' }],
      });
    },
  );

  it.each([{ phone: null, line_type: null }, { phones: [] }, { contact: null }])('%j is a miss', (json) => {
    expect(read(phones, 200, json)).toEqual({ outcome: 'miss', costCredits: 0 });
  });

  it('does not believe a provider against the numbering plan', () => {
    const json = { phone: '+493023125012', line_type: 'mobile' };
    expect(read(phones, 200, json)).toMatchObject({ candidates: [{ lineType: 'fixed_line' }] });
  });
});

describe('findymail errors', () => {
  it('finds the empty account also under a 200', () => {
    for (const [status, json] of [
      [200, { error: 'Not enough credits' }],
      [402, { error: 'Not enough credits' }],
      [402, undefined],
      [423, { message: 'Subscription paused' }],
    ] as const)
      expect(read(emails, status, json)).toMatchObject({ kind: 'no_credit', reason: `HTTP ${status}` });
  });

  it.each([
    [401, 'auth'],
    [422, 'bad_input'],
    [429, 'rate'],
    [500, 'transient'],
  ])('reads %i as %s, and repeats nothing that was written', (status, kind) => {
    const result = read(emails, status, { message: 'Ann Doe secret' });
    expect(result).toMatchObject({ kind, reason: `HTTP ${status}` });
  });

  it('waits as long as it is told', () => {
    expect(read(emails, 429, {}, { 'retry-after': '12' })).toMatchObject({ retryAfterSeconds: 12 });
  });

  it.each([
    [200, undefined],
    [200, {}],
    [200, []],
    [200, { contact: 'ann@acme.example' }],
    [200, { contact: contact({ email: 7 }) }],
    [200, { error: 'Something went wrong' }],
    [404, undefined],
    [404, { message: 'The route api/search/name could not be found.' }],
    [404, '<html>'],
  ])('concludes nothing from %i %j', (status, json) => {
    expect(read(emails, status, json)).toMatchObject({ kind: 'transient' });
  });
});
