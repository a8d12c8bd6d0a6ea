import type { Question } from '@leadwell/shared/domain/question';
import { confidenceOfPercent, emailCandidate, phoneCandidate } from './candidate';

const asked: Question = { form: 'name_domain', firstName: 'Ann', lastName: 'Doe', domain: 'acme.example' };
const email = (value: unknown, question: Question = asked) =>
  emailCandidate(value, question, { verdict: 'deliverable' });
const phone = (value: unknown, country?: unknown) => phoneCandidate(value, { verdict: 'unknown', country });

describe('emailCandidate', () => {
  it('gives an address in lower case', () => {
    expect(email(' Ann.Doe@ACME.example ')).toEqual({
      kind: 'email',
      value: 'ann.doe@acme.example',
      verdict: 'deliverable',
      confidence: null,
      lineType: null,
      flags: [],
    });
  });

  it('flags an address on another domain than was asked, and only where a domain was asked', () => {
    expect(email('ann@other.example')?.flags).toEqual(['other_domain']);
    expect(email('ann@mail.acme.example')?.flags).toEqual(['other_domain']);
    expect(email('ann@other.example', { form: 'linkedin', linkedinUrl: 'x' })?.flags).toEqual([]);
  });

  it.each([
    ['info@acme.example', ['role']],
    ['Sales+EMEA@acme.example', ['role']],
    ['no.reply@acme.example', ['role']],
    ['ann.sales@acme.example', []],
    ['it.hansen@acme.example', []],
    ['rosa.info@acme.example', []],
    ['ann@mailinator.com', ['disposable', 'other_domain']],
    ['ann@x.mailinator.com', ['disposable', 'other_domain']],
    ['ann@mailinator.com.acme.example', ['other_domain']],
    ['ann@gmail.com', ['other_domain']],
  ])('tells of %s that it is %j', (value, flags) => {
    expect(email(value)?.flags).toEqual(flags);
  });

  it('keeps what the provider flagged, once', () => {
    const said = { verdict: 'risky' as const, flags: ['role', 'personal'] };
    expect(emailCandidate('info@acme.example', asked, said)?.flags).toEqual(['role', 'personal']);
  });

  it('asks and compares a domain in ASCII, however it is written', () => {
    const question: Question = { ...asked, domain: 'xn--bcher-kva.example' };
    expect(email('Ann@BÜCHER.example', question)).toMatchObject({
      value: 'ann@xn--bcher-kva.example',
      flags: [],
    });
  });

  it.each([
    'a***@acme.example',
    'a•••@acme.example',
    'ann@ac**.example',
    'email_not_unlocked@domain.com',
    'ann',
    'ann@',
    '@acme.example',
    'ann doe@acme.example',
    '.ann@acme.example',
    'ann.@acme.example',
    'a..n@acme.example',
    'ann@localhost',
    'ann\u0000@acme.example',
    'ann\u0007@acme.example',
    'ann\ud800@acme.example',
    '=cmd|calc@acme.example',
    '=1+1@acme.example',
    '-ann@acme.example',
    `${'a'.repeat(65)}@acme.example`,
    `${'a'.repeat(1_000_000)}@acme.example`,
    '',
    true,
    42,
    null,
    undefined,
    {},
    ['ann@acme.example'],
  ])('takes %.40j for no address', (value) => {
    expect(email(value)).toBeNull();
  });
});

describe('phoneCandidate', () => {
  it.each([
    ['+49-171-3920-012', undefined, '+491713920012', 'mobile'],
    ['+44 20 7946 0123', undefined, '+442079460123', 'fixed_line'],
    ['+1 (202) 555-0123', undefined, '+12025550123', 'fixed_line_or_mobile'],
    ['020 7946 0123', 'GB', '+442079460123', 'fixed_line'],
    ['0171 3920012', 'de', '+491713920012', 'mobile'],
    ['+49 171 3920012', 'no country', '+491713920012', 'mobile'],
  ])('writes %s (%s) in E.164 with its line type', (text, country, value, lineType) => {
    expect(phone(text, country)).toMatchObject({ kind: 'phone', value, lineType });
  });

  it.each([
    '+491713*****',
    '+49 171 3920012 ***',
    '+49 171 39200xx',
    '+49 30 231 25--',
    '+49 30 23125~~12',
    '+49 171 3920•••',
    '0171 3920012',
    '+49 171 39200',
    '+1',
    '+999 123 456 789',
    'call me: +491713920012',
    'n/a',
    '',
    '9'.repeat(100_000),
    491713920012,
    true,
    null,
    {},
  ])('takes %.40j for no number', (value) => {
    expect(phone(value)).toBeNull();
  });
});

describe('confidenceOfPercent', () => {
  it('gives 0 to 1, and null for what is no percentage', () => {
    expect([0, 97, 100].map(confidenceOfPercent)).toEqual([0, 0.97, 1]);
    expect([-1, 101, NaN, Infinity, '97', null, {}].map(confidenceOfPercent)).toEqual(Array(7).fill(null));
  });
});
