import { createSandbox, type Sandbox, type SandboxOptions } from './sandbox';

let sandbox: Sandbox | undefined;
let base: string;

async function start(options: SandboxOptions = {}): Promise<Sandbox> {
  sandbox = createSandbox({ pace: 1000, latency: { minMs: 0, maxMs: 0 }, ...options });
  base = `http://127.0.0.1:${await sandbox.listen(0)}`;
  return sandbox;
}

afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

async function hunter(query: Record<string, string>, key: string | null = 'sandbox-a') {
  const url = `${base}/hunter/v2/email-finder?${new URLSearchParams(query).toString()}`;
  const response = await fetch(url, {
    headers: key === null ? {} : { 'x-api-key': key },
    redirect: 'manual',
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(base + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-api-key': 'sandbox-a',
      'x-key': 'sandbox-a',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: parse(text) };
}

/** What the tests look at in the three providers' bodies. */
interface Body {
  data: { email: string | number | null };
  errors: { id: string }[];
  error_code: string;
  matched: { identifier: string }[];
  not_matched: string[];
  invalid_datapoints: string[];
  total_cost: number;
}

/** Undefined for what is no JSON. */
function parse(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return undefined as unknown as Body;
  }
}

const person = (i: number, domain = 'acme.example') => ({ first_name: `Ann${i}`, last_name: 'Doe', domain });

describe('the sandbox', () => {
  it('gives the same answer to the same question, in every run', async () => {
    await start();
    const first = await Promise.all(Array.from({ length: 50 }, (_, i) => hunter(person(i))));
    await sandbox?.close();
    await start();
    const second = await Promise.all(Array.from({ length: 50 }, (_, i) => hunter(person(i))));
    expect(second.map(({ text }) => text)).toEqual(first.map(({ text }) => text));
    expect(new Set(first.map(({ text }) => text)).size).toBeGreaterThan(45);
  });

  it('answers a question of another case and accents alike', async () => {
    await start();
    const emailOf = async (first_name: string) =>
      (await hunter({ first_name, last_name: 'Dvořák', domain: 'always-hit.example' })).json.data
        .email as string;
    expect(await emailOf('JIŘÍ')).toBe(await emailOf('jiri'));
  });

  it('never invents an address at a domain that may be somebody’s', async () => {
    await start();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => hunter(person(i, 'always-hit-inc.com'))),
    );
    for (const { json } of answers)
      expect(json.data.email).toMatch(/@always-hit-inc\.com(-group)?\.example$|-group\.example$/);
  });

  it('does as the words in a question wish', async () => {
    await start();
    expect((await hunter(person(1, 'always-miss.example'))).json.data.email).toBeNull();
    expect((await hunter(person(1, 'always-restricted.example'))).status).toBe(451);
    expect((await hunter(person(1, 'only-hunter.example'))).json.data.email).toMatch(/@/);
    expect((await hunter(person(1, 'only-prospeo.example'))).json.data.email).toBeNull();
  });

  it.each([
    [{ first_name: 'Ann', last_name: 'Doe' }, 400],
    [{ domain: 'acme.example' }, 400],
    [{ domain: 'no domain', first_name: 'Ann', last_name: 'Doe' }, 400],
    [{ domain: 'acme.example', full_name: 'Ann Doe' }, 200],
    [{ linkedin_handle: 'ann-doe' }, 200],
  ])('reads Hunter’s parameters %j: %i', async (query, status) => {
    await start();
    expect((await hunter(query as Record<string, string>)).status).toBe(status);
  });

  it('refuses a key that is none, in each provider’s words', async () => {
    const world = await start();
    expect((await hunter(person(1), 'other')).json.errors[0]?.id).toBe('authentication_failed');
    expect((await hunter(person(1), null)).status).toBe(401);
    expect((await post('/leadmagic/v1/people/mobile-finder', {}, { 'x-api-key': 'no' })).status).toBe(401);
    expect((await post('/prospeo/bulk-enrich-person', {}, { 'x-key': 'no' })).json.error_code).toBe(
      'INVALID_API_KEY',
    );
    expect(world.stats().badKeys).toBe(4);
  });

  it('answers Prospeo in bulk by identifier, everything once, and bills it once', async () => {
    const world = await start();
    const data = Array.from({ length: 50 }, (_, i) => ({
      identifier: `id-${i}`,
      first_name: `Ann${i}`,
      last_name: 'Doe',
      ...(i === 7 ? {} : { company_website: i < 10 ? 'always-hit.example' : 'acme.example' }),
    }));
    const { json } = await post('/prospeo/bulk-enrich-person', { data });
    const matched = json.matched.map(({ identifier }) => identifier);
    const all = [...matched, ...json.not_matched, ...json.invalid_datapoints];
    expect(all.sort()).toEqual(data.map(({ identifier }) => identifier).sort());
    expect(json.invalid_datapoints).toEqual(['id-7']);
    expect(json.total_cost).toBe(matched.length);
    expect((await post('/prospeo/bulk-enrich-person', { data })).json.total_cost).toBe(0);
    expect(world.stats().accounts[0]?.credits.used).toBe(matched.length);
    expect(world.stats().accounts[0]?.questions).toMatchObject({ distinct: 49, repeated: 49 });
  });

  it.each([
    [{ data: [] }],
    [{ data: Array(51).fill({ identifier: 'a' }) }],
    [{ data: [{ linkedin_url: 'https://linkedin.com/in/a' }] }],
    [{ data: [{ identifier: 'a' }, { identifier: 'a' }] }],
    ['{"data": ['],
    [[]],
  ])('calls the bulk call %.40j an INVALID_REQUEST', async (body) => {
    await start();
    expect(await post('/prospeo/bulk-enrich-person', body)).toMatchObject({
      status: 400,
      json: { error_code: 'INVALID_REQUEST' },
    });
  });

  it('bills LeadMagic’s numbers and tells the credits', async () => {
    await start({ credits: 12 });
    const ask = (n: number) =>
      post('/leadmagic/v1/people/mobile-finder', { profile_url: `linkedin.com/in/always-hit-${n}` });
    expect((await ask(1)).json).toMatchObject({ credits_consumed: 5 });
    expect((await ask(1)).json).toMatchObject({ credits_consumed: 0 });
    expect((await ask(2)).json).toMatchObject({ credits_consumed: 5 });
    expect(await ask(3)).toMatchObject({ status: 402 });
    const response = await fetch(`${base}/leadmagic/v1/credits`, { headers: { 'x-api-key': 'sandbox-a' } });
    expect(await response.json()).toEqual({ credits: 2 });
  });
});

it('listens on loopback only', async () => {
  const { server } = await start();
  expect(server.address()).toMatchObject({ address: '127.0.0.1' });
});

describe('limits', () => {
  it('let in exactly as many as a sliding window holds, and count every arrival', async () => {
    // Half a minute, so that no machine is too slow to fill it.
    const world = await start({
      pace: 1,
      plans: { hunter: [{ unit: 'calls', amount: 15, perSeconds: 30 }] },
    });
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => (await hunter(person(i))).status),
    );
    expect(statuses.filter((status) => status === 403)).toHaveLength(25);
    const [account] = world.stats().accounts;
    expect(account?.refusals.rate).toBe(25);
    expect(account?.windows[0]).toMatchObject({ amount: 15, peakGranted: 15, peakArrived: 40 });
  });

  it('belong to a key', async () => {
    await start({ pace: 1 });
    const calls = ['sandbox-a', 'sandbox-b'].flatMap((key) =>
      Array.from({ length: 15 }, (_, i) => hunter(person(i), key)),
    );
    expect((await Promise.all(calls)).filter(({ status }) => status === 403)).toHaveLength(0);
  });

  it('count the records of a bulk call', async () => {
    const plan = [5, 300].map((amount, i) => ({
      unit: 'records' as const,
      amount,
      perSeconds: [30, 60][i]!,
    }));
    const world = await start({ pace: 1, plans: { prospeo: plan } });
    const bulk = (size: number) =>
      post('/prospeo/bulk-enrich-person', {
        data: Array.from({ length: size }, (_, i) => ({
          identifier: `${i}`,
          linkedin_url: `https://linkedin.com/in/p-${i}`,
        })),
      });
    expect(await bulk(6)).toMatchObject({ status: 429, json: { error_code: 'RATE_LIMITED' } });
    expect((await bulk(3)).status).toBe(200);
    expect((await bulk(3)).status).toBe(429);
    const left = await bulk(2);
    expect(left.status).toBe(200);
    expect(left.headers.get('x-minute-request-left')).toBe('295');
    expect(world.stats().accounts[0]?.records).toBe(5);
  });
});

describe('faults', () => {
  const hit = person(1, 'always-hit.example');

  it.each([
    ['rate', { status: 403 }],
    ['no_credit', { status: 429 }],
    ['auth', { status: 401 }],
    ['500', { status: 500 }],
    ['bad_gateway', { status: 502, json: undefined }],
    ['html', { status: 200, json: undefined }],
    ['empty', { status: 200, text: '' }],
    ['cut_json', { status: 200, json: undefined }],
    ['redirect', { status: 302 }],
  ] as const)('%s looks as it should', async (kind, expected) => {
    const world = await start();
    world.addFault({ kind, retryAfter: '9' });
    expect(await hunter(hit)).toMatchObject(expected);
    expect(world.stats().accounts[0]?.faults).toEqual({ [kind]: 1 });
    world.clearFaults();
    expect((await hunter(hit)).json.data.email).toMatch(/@always-hit\.example$|group/);
  });

  it.each(['reset', 'reset_after_answer', 'cut_body'] as const)('%s breaks the connection', async (kind) => {
    const world = await start();
    world.addFault({ kind, count: 1 });
    await expect(hunter(hit)).rejects.toThrow();
    expect(world.stats().accounts[0]?.questions.distinct).toBe(kind === 'reset' ? 0 : 1);
    expect((await hunter(hit)).status).toBe(200);
  });

  it.each(['hang', 'drip'] as const)('%s does not end by itself', async (kind) => {
    const world = await start();
    world.addFault({ kind, everyMs: 5 });
    const signal = AbortSignal.timeout(300);
    const call = fetch(`${base}/hunter/v2/email-finder?${new URLSearchParams(hit).toString()}`, {
      headers: { 'x-api-key': 'sandbox-a' },
      signal,
    }).then((response) => response.text());
    await expect(call).rejects.toThrow(/timeout/);
  });

  it('masks, swaps types and loses items', async () => {
    const world = await start();
    world.addFault({ kind: 'masked', count: 1 });
    world.addFault({ kind: 'wrong_types', count: 1 });
    expect((await hunter(hit)).json.data.email).toMatch(/\*/);
    expect(typeof (await hunter(hit)).json.data.email).toBe('number');
    world.addFault({ kind: 'missing_items', provider: 'prospeo' });
    const data = [0, 1, 2, 3].map((i) => ({
      identifier: `${i}`,
      linkedin_url: `https://linkedin.com/in/always-hit-${i}`,
    }));
    expect((await post('/prospeo/bulk-enrich-person', { data })).json.matched).toHaveLength(2);
  });

  it('sends more than anybody wants, plain or packed', async () => {
    const world = await start();
    world.addFault({ kind: 'huge', bytes: 3 * 1024 * 1024, count: 1 });
    expect((await hunter(hit)).text.length).toBeGreaterThan(3 * 1024 * 1024);
    world.addFault({ kind: 'gzip_bomb' });
    const response = await fetch(`${base}/hunter/v2/email-finder?${new URLSearchParams(hit).toString()}`, {
      headers: { 'x-api-key': 'sandbox-a' },
    });
    let unpacked = 0;
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      unpacked += chunk.length;
      if (unpacked > 32 * 1024 * 1024) break;
    }
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(unpacked).toBeGreaterThan(32 * 1024 * 1024);
  });

  it('hits the share of calls it is asked to, the same ones in every run', async () => {
    const run = async (): Promise<number[]> => {
      const world = await start();
      world.addFault({ kind: '500', rate: 0.3 });
      const statuses: number[] = [];
      for (let i = 0; i < 100; i++) statuses.push((await hunter(hit)).status);
      await world.close();
      return statuses;
    };
    const first = await run();
    const hits = first.filter((status) => status === 500).length;
    expect(hits).toBeGreaterThan(15);
    expect(hits).toBeLessThan(45);
    expect(await run()).toEqual(first);
  });
});

describe('the control API', () => {
  it('sets and clears faults, and knows 429 for "too fast"', async () => {
    await start();
    const added = await post('/_control/faults', {
      provider: 'hunter',
      kind: '429',
      count: 1,
      retryAfter: 3,
    });
    expect(added.json).toEqual([{ provider: 'hunter', kind: 'rate', count: 1, retryAfter: '3', played: 0 }]);
    const refused = await hunter(person(1));
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([403, '3']);
    await fetch(`${base}/_control/faults`, { method: 'DELETE' });
    expect((await hunter(person(1))).status).not.toBe(403);
  });

  it.each([
    {},
    { kind: 'x' },
    { kind: 'hang', provider: 'x' },
    { kind: 'hang', rate: 'x' },
    { kind: 'hang', odd: 1 },
    [],
  ])('refuses the fault %j', async (fault) => {
    await start();
    expect((await post('/_control/faults', fault)).status).toBe(400);
  });

  it('tells statistics and forgets them', async () => {
    await start();
    await hunter(person(1));
    const stats = async () =>
      (await (await fetch(`${base}/_control/stats`)).json()) as { accounts: unknown[] };
    expect((await stats()).accounts).toMatchObject([
      { provider: 'hunter', key: 'sandbox-a', calls: 1, records: 1 },
    ]);
    await fetch(`${base}/_control/stats`, { method: 'DELETE' });
    expect((await stats()).accounts).toEqual([]);
  });

  it('gives accounts the limits of another plan, which their headers tell', async () => {
    await start({ pace: 1 });
    const ask = () =>
      post('/leadmagic/v1/people/email-finder', {
        first_name: 'Ann',
        last_name: 'Doe',
        domain: 'always-hit.example',
      });
    expect((await ask()).headers.get('ratelimit-limit')).toBe('5000');
    const plan = { provider: 'leadmagic', limits: [{ unit: 'calls', amount: 1, perSeconds: 60 }] };
    expect((await post('/_control/plan', plan)).status).toBe(200);
    const first = await ask();
    expect(first.status).toBe(200);
    expect([first.headers.get('ratelimit-limit'), first.headers.get('ratelimit-remaining')]).toEqual([
      '1',
      '0',
    ]);
    expect((await ask()).status).toBe(429);
    for (const limits of [undefined, [{}], [{ unit: 'calls', amount: 0, perSeconds: 1 }]])
      expect((await post('/_control/plan', { ...plan, limits })).status).toBe(400);
    expect((await post('/_control/plan', { ...plan, provider: 'x' })).status).toBe(400);
  });

  it('sets latency and credits', async () => {
    await start();
    await hunter(person(1));
    expect((await post('/_control/credits', { provider: 'hunter', credits: 0 })).json).toEqual({
      accounts: 1,
    });
    expect((await hunter(person(2, 'always-hit.example'))).status).toBe(429);
    await post('/_control/latency', { minMs: 150, maxMs: 150 });
    const before = performance.now();
    await hunter(person(3));
    expect(performance.now() - before).toBeGreaterThan(140);
    expect((await post('/_control/latency', { minMs: 5, maxMs: 1 })).status).toBe(400);
  });
});
