import type { Question } from '@leadwell/shared/domain/question';
import type { AsyncFieldContract, ProviderResponse, SubmittedQuestion } from './adapter';
import { dropcontact } from './dropcontact';

const emails = dropcontact.fields.emails as AsyncFieldContract;

const byName: Question = { form: 'name_domain', firstName: 'Ann', lastName: 'Doe', domain: 'acme.example' };
const asked: SubmittedQuestion[] = ['a', 'b', 'c'].map((id) => ({
  id,
  question: byName,
  externalId: 'job1',
}));

function submit(json: unknown, status = 200, headers: ProviderResponse['headers'] = {}) {
  return emails.readSubmit({ status, json, headers }, asked);
}

function poll(json: unknown, status = 200, headers: ProviderResponse['headers'] = {}) {
  return emails.readPoll({ status, json, headers }, asked);
}

function answers(...data: object[]) {
  const result = poll({ success: true, error: false, data });
  if (result.kind !== 'answers') throw new Error(result.kind);
  return result.answers;
}

const row = (id: unknown, more: object = {}) => ({ ...more, custom_fields: { id } });
const found = (id: unknown, email: unknown, qualification: unknown = 'nominative@pro') =>
  row(id, { email: [{ email, qualification }] });

describe('dropcontact submission', () => {
  it('sends our id along, in English, and never an address that would be charged for verifying', () => {
    expect(emails.buildSubmit(asked.slice(0, 1), 'secret')).toEqual({
      method: 'POST',
      path: '/v1/enrich/all',
      headers: { 'x-access-token': 'secret' },
      body: {
        data: [{ first_name: 'Ann', last_name: 'Doe', website: 'acme.example', custom_fields: { id: 'a' } }],
        siren: false,
        language: 'en',
      },
    });
    expect(emails.forms).not.toContain('email');
  });

  it('is taken under the id that it is polled by', () => {
    const taken = submit({ credits_left: 9, request_id: 'job1', error: false, success: true });
    expect(taken.kind === 'submitted' && [...taken.externalIds]).toEqual([
      ['a', 'job1'],
      ['b', 'job1'],
      ['c', 'job1'],
    ]);
    expect(emails.buildPoll('job1', 'secret')).toEqual({
      method: 'GET',
      path: '/v1/enrich/all/job1',
      headers: { 'x-access-token': 'secret' },
    });
  });

  it.each([
    { success: true },
    { success: true, request_id: 7 },
    { success: true, request_id: '../v1/account' },
    { success: false, request_id: 'job1' },
    undefined,
  ])('is not taken for one that was accepted: %j', (json) => {
    expect(submit(json)).toMatchObject({ kind: 'transient' });
  });

  it.each([
    [400, 'bad_input'],
    [401, 'auth'],
    [403, 'no_credit'],
    [429, 'rate'],
    [500, 'transient'],
  ])('reads %i as %s, and repeats nothing that was written', (status, kind) => {
    expect(submit({ error: true, reason: 'secret' }, status)).toMatchObject({
      kind,
      reason: `HTTP ${status}`,
    });
  });
});

describe('dropcontact poll', () => {
  it('waits where nothing is ready, though the status is 200', () => {
    const json = { error: false, success: false, reason: 'Request not ready yet, try again in 30 seconds' };
    expect(poll(json)).toEqual({ kind: 'pending', retryAfterSeconds: null });
    expect(poll(json, 200, { 'retry-after': '5' })).toEqual({ kind: 'pending', retryAfterSeconds: 5 });
  });

  it('matches by our id, in whatever order; who has no address has none', () => {
    const got = answers(
      row('c'),
      found('b', 'B@acme.example', 'catch-all@pro'),
      found('a', 'a@acme.example'),
    );
    expect(got.get('a')).toMatchObject({
      outcome: 'hit',
      costCredits: 1,
      candidates: [{ value: 'a@acme.example', verdict: 'deliverable', flags: [] }],
    });
    expect(got.get('b')).toMatchObject({ candidates: [{ value: 'b@acme.example', verdict: 'catch_all' }] });
    expect(got.get('c')).toEqual({ outcome: 'miss', costCredits: 0 });
  });

  it('leaves out what it does not have, and ignores what was not asked', () => {
    const got = answers(
      found('zz', 'z@acme.example'),
      found(5, 'z@acme.example'),
      row('a'),
      found('a', 'a@acme.example'),
    );
    expect([...got]).toEqual([['a', { outcome: 'miss', costCredits: 0 }]]);
  });

  it('suppresses who may not be contacted', () => {
    expect(answers(found('a', 'a@acme.example', 'Do_Not_Contact')).get('a')).toMatchObject({
      outcome: 'restricted',
    });
  });

  it.each([
    ['generic@pro', 'risky', ['role']],
    ['nominative@perso', 'deliverable', ['personal']],
    ['new word', 'unknown', []],
    [undefined, 'unknown', []],
  ])('reads %s as %s', (qualification, verdict, flags) => {
    expect(answers(found('a', 'a@acme.example', qualification ?? null)).get('a')).toMatchObject({
      candidates: [{ verdict, flags }],
    });
  });

  it('never takes a masked or an invalid address for a hit', () => {
    expect(answers(found('a', 'a***@acme.example')).get('a')).toMatchObject({ outcome: 'miss' });
    expect(answers(found('a', 'a@acme.example', 'invalid')).get('a')).toMatchObject({ outcome: 'miss' });
  });

  it.each([
    undefined,
    {},
    [],
    { success: true },
    { success: true, data: {} },
    { success: false, error: true },
  ])('concludes nothing from %j', (json) => {
    expect(poll(json)).toMatchObject({ kind: 'transient' });
  });

  it('gives up a job that Dropcontact does not know, and only that', () => {
    expect(poll({ detail: 'Not found' }, 404)).toMatchObject({ kind: 'bad_input' });
    expect(poll('no such host', 404)).toMatchObject({ kind: 'transient' });
  });
});
