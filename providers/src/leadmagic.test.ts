import type { Question } from '@leadwell/shared/domain/question';
import type { FieldContract, ProviderResponse } from './adapter';
import { leadmagic } from './leadmagic';

const emails = leadmagic.fields.emails as FieldContract;
const phones = leadmagic.fields.phones as FieldContract;

const byName: Question = { form: 'name_domain', firstName: 'Ann', lastName: 'Doe', domain: 'acme.example' };
const byProfile: Question = { form: 'linkedin', linkedinUrl: 'https://www.linkedin.com/in/ann-doe' };

/** What the call cost, as LeadMagic says. */
function statedOf(json: unknown): number | null | undefined {
  const response = { status: 200, json, headers: {} };
  const result = emails.readResponse(response, [{ id: 'q1', question: byName }]);
  return result.kind === 'answers' ? result.statedCredits : undefined;
}

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

/** As recorded in LeadMagic's documentation, values changed. */
const MOBILE = {
  profile_url: 'https://linkedin.com/in/ann-doe',
  email: null,
  mobile_number: '+49-171-3920-012',
  credits_consumed: 5,
  message: 'Mobile number found.',
};
const EMAIL = {
  email: 'ann@acme.example',
  status: 'valid',
  credits_consumed: 1,
  message: 'Email found.',
  employment_verified: true,
  has_mx: true,
  mx_record: 'mx.acme.example',
  mx_provider: 'Google',
  company_name: 'Acme',
};

describe('leadmagic mobile finder', () => {
  it('asks by profile, else by work address', () => {
    expect(phones.forms).toEqual(['linkedin', 'email']);
    expect(phones.buildRequest([{ id: 'q', question: byProfile }], 'secret')).toEqual({
      method: 'POST',
      path: '/v1/people/mobile-finder',
      headers: { 'x-api-key': 'secret' },
      body: { profile_url: 'https://www.linkedin.com/in/ann-doe' },
    });
    const byEmail: Question = { form: 'email', email: 'ann@acme.example' };
    expect(phones.buildRequest([{ id: 'q', question: byEmail }], 'k').body).toEqual({
      work_email: 'ann@acme.example',
    });
  });

  it('reads a found number in E.164, with its line type and cost', () => {
    expect(read(phones, 200, MOBILE)).toEqual({
      outcome: 'hit',
      costCredits: 5,
      candidates: [
        {
          kind: 'phone',
          value: '+491713920012',
          verdict: 'unknown',
          confidence: null,
          lineType: 'mobile',
          flags: [],
        },
      ],
    });
  });

  it.each([
    [200, { ...MOBILE, mobile_number: null, credits_consumed: 0 }],
    [404, { ...MOBILE, mobile_number: null, credits_consumed: 0 }],
  ])('reads %i without a number as a miss', (status, json) => {
    expect(read(phones, status, json)).toEqual({ outcome: 'miss', costCredits: 0 });
  });

  it.each(['+44-77**-***-123', true, 'not available'])('never takes %j for a hit', (mobile_number) => {
    expect(read(phones, 200, { ...MOBILE, mobile_number })).toMatchObject({ outcome: 'miss' });
  });
});

describe('leadmagic e-mail finder', () => {
  it('asks by name and domain or company', () => {
    expect(emails.buildRequest([{ id: 'q', question: byName }], 'secret').body).toEqual({
      first_name: 'Ann',
      last_name: 'Doe',
      domain: 'acme.example',
    });
  });

  it.each([
    ['valid', 'deliverable'],
    ['catch_all', 'catch_all'],
    ['new word', 'unknown'],
    [7, 'unknown'],
  ])('reads status %j as %s', (status, verdict) => {
    expect(read(emails, 200, { ...EMAIL, status })).toMatchObject({
      outcome: 'hit',
      candidates: [{ verdict }],
    });
  });

  it('reads null as a miss', () => {
    expect(read(emails, 200, { ...EMAIL, email: null, credits_consumed: 0 })).toEqual({
      outcome: 'miss',
      costCredits: 0,
    });
  });

  it('does not believe an impossible bill', () => {
    for (const credits_consumed of [-1, 1e300, '5', null]) {
      expect(read(emails, 200, { ...EMAIL, credits_consumed })).toMatchObject({
        outcome: 'hit',
        costCredits: 1,
      });
      expect(statedOf({ ...EMAIL, credits_consumed })).toBeNull();
    }
    expect(statedOf({ ...EMAIL, credits_consumed: 3 })).toBe(3);
  });
});

describe('leadmagic errors', () => {
  const problem = { type: 't', title: 'Ann', status: 0, detail: 'secret Ann', code: 'secret' };

  it.each([
    [400, 'bad_input'],
    [401, 'auth'],
    [402, 'no_credit'],
    [403, 'auth'],
    [429, 'rate'],
    [500, 'transient'],
    [502, 'transient'],
  ])('reads %i as %s, in either form of the body', (status, kind) => {
    for (const body of [
      problem,
      { success: false, errors: [{ code: 'secret' }], meta: { request_id: 'r' } },
    ]) {
      const result = read(phones, status, body);
      expect(result).toMatchObject({ kind, reason: `HTTP ${status}` });
    }
  });

  it('waits as Retry-After says, else as RateLimit-Reset says', () => {
    expect(read(phones, 429, {}, { 'retry-after': '4', 'ratelimit-reset': '50' })).toMatchObject({
      retryAfterSeconds: 4,
    });
    expect(read(phones, 429, {}, { 'ratelimit-reset': '50' })).toMatchObject({ retryAfterSeconds: 50 });
  });

  it.each([
    [404, { message: 'no such route' }],
    [404, undefined],
    [200, {}],
    [200, undefined],
    [200, { mobile_number: 491713920012 }],
  ])('concludes no miss from %i with %j', (status, json) => {
    expect(read(phones, status, json)).toMatchObject({ kind: 'transient' });
  });
});
