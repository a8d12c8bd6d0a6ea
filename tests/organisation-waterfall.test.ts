/** A waterfall of an organisation's own: set by the CLI, followed by acceptance, shown by the doctor. */
import { execute, query } from '@leadwell/shared/db/database';
import { runCli } from './support/run-cli';
import { seedHit, seedLeads, seedTenant, type Tenant } from './support/seed';
import { startTestApi, type TestApi } from './support/test-api';

let api: TestApi;
let tenant: Tenant;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  tenant = await seedTenant(api.knex, { credits: 1_000 });
});

const cli = <T = Record<string, unknown>>(...args: string[]) =>
  runCli<T>(args, { DATABASE_URL: api.databaseUrl, ALLOW_SANDBOX: 'true' });
const waterfall = (...args: string[]) => cli('org', 'waterfall', '--org', tenant.orgId, ...args);

it('is set, shown and reset, each field by itself', async () => {
  const set = await waterfall('--emails', 'prospeo, hunter', '--phones', 'lusha', '--json');
  expect(set.json).toEqual({ orgId: tenant.orgId, emails: ['prospeo', 'hunter'], phones: ['lusha'] });
  const reset = await waterfall('--reset', 'emails', '--json');
  expect(reset.json).toEqual({ orgId: tenant.orgId, emails: null, phones: ['lusha'] });
  const { stdout } = await waterfall();
  expect(stdout).toMatch(/^emails +hunter, prospeo +the deployment’s$/m);
  expect(stdout).toMatch(/^phones +lusha +its own$/m);
});

it('is refused with every fault, and then nothing is changed', async () => {
  await waterfall('--emails', 'prospeo');
  const { code, stderr } = await waterfall(
    ...['--emails', 'hunter,huntr,hunter', '--phones', 'hunter', '--reset', 'phones'],
  );
  expect(code).toBe(1);
  expect(stderr).toContain('"huntr" is no known provider; known for emails are');
  expect(stderr).toContain('hunter is named twice');
  expect(stderr).toContain('hunter does not serve phones; known for phones are');
  expect(stderr).toContain('phones: set it or reset it, not both');
  expect((await waterfall('--emails', '')).stderr).toContain('emails: name at least one provider');
  expect((await waterfall('--json')).json).toMatchObject({ emails: ['prospeo'], phones: null });
});

it('decides which stored hits answer an order of this organisation, and of no other', async () => {
  const [leadId] = (await seedLeads(api.knex, 1)) as [string];
  const hunter = api.waterfall.emails.find(({ name }) => name === 'hunter')!;
  const form = hunter.adapter.fields.emails!.forms[0] as 'name_domain';
  await seedHit(api.knex, {
    leadId,
    provider: 'hunter',
    baseUrl: hunter.baseUrl,
    form,
    value: 'a@x.example',
  });
  const order = async ({ apiKey }: Tenant): Promise<string | undefined> => {
    const body = { selection: { mode: 'manual', includedIds: [leadId] }, field: 'emails' };
    const path = '/api/v1/operations/enrichment/bulk';
    const answer = await api.call<{ status: string }[]>('POST', path, { key: apiKey, body });
    return answer.json[0]?.status;
  };
  await waterfall('--emails', 'prospeo');
  expect(await order(tenant)).toBe('pending');
  expect(await order(await seedTenant(api.knex, { credits: 1_000 }))).toBe('finished');
});

it('is found by the doctor where it names a provider that is not configured any more', async () => {
  await waterfall('--emails', 'prospeo');
  await execute(
    api.knex,
    `UPDATE organisation_waterfalls SET providers = '{gone,prospeo}' WHERE org_id = ?`,
    [tenant.orgId],
  );
  const { code, json } = await cli<{ findings: { check: string; finding: string; action: string }[] }>(
    'doctor',
    '--json',
  );
  expect(code).toBe(1);
  const [finding] = json.findings.filter(
    ({ check, finding: said }) => check === 'waterfalls' && said.includes(tenant.orgId),
  );
  expect(finding?.finding).toContain('gone, which PROVIDERS_FILE does not configure');
  expect(finding?.action).toContain(`org waterfall --org ${tenant.orgId} --emails prospeo`);
  const [kept] = await query<{ providers: string[] }>(
    api.knex,
    'SELECT providers FROM organisation_waterfalls WHERE org_id = ?',
    [tenant.orgId],
  );
  expect(kept?.providers).toEqual(['gone', 'prospeo']);
});
