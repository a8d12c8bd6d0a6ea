/** The providers, simulated, in a process of their own: what they cost is never on our event loop. */
import { startProcess, type LocalProcess } from '@leadwell/cli/local/child-process';
import { findFreePort } from '@leadwell/shared/runtime/postgres-server';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import type { FaultKind } from '@leadwell/sandbox/faults';
import type { SandboxStats } from '@leadwell/sandbox/sandbox';

export interface SandboxControl {
  /** Providers are under `<url>/<name>`. */
  url: string;
  process: LocalProcess;
  /** How long a call takes: the same for the same question, between these. `maxMs` defaults to `minMs`. */
  setLatency(minMs: number, maxMs?: number): Promise<void>;
  /** Gives a provider's accounts, which begin anew, so many calls a second and no other limit. */
  allowCalls(provider: string, callsPerSecond: number): Promise<void>;
  /** Every call to the provider is hit by the fault, from now on. */
  addFault(provider: string, kind: FaultKind): Promise<void>;
  /** Calls and questions so far, by account. */
  stats(): Promise<SandboxStats>;
  /** Forgets what was asked; accounts begin anew, with a million credits. */
  reset(): Promise<void>;
}

const PACE = 1000;

/** Times the pace, this is met by nobody here: limits are those of PROVIDERS_FILE. Prospeo tells its windows in its headers. */
const PLAN = [1, 60, 86_400].map((perSeconds) => ({
  unit: 'records',
  amount: 1_000 * perSeconds,
  perSeconds,
}));

/** Starts the sandbox and waits until it answers. */
export async function startSandbox(
  onEnd: (name: string, undo: () => Promise<unknown>) => void,
  latencyMs: number,
): Promise<SandboxControl> {
  const port = await findFreePort();
  const env = { SANDBOX_PORT: String(port), SANDBOX_PACE: String(PACE) };
  const sandbox = startProcess({ name: 'sandbox', script: 'sandbox/dist/main.js', env });
  onEnd('sandbox', () => sandbox.stop(2_000));
  await waitUntil(() => sandbox.describeEnd().includes('Sandbox on') || sandbox.hasEnded(), {
    timeoutMs: 60_000,
    message: 'the sandbox to listen',
  });
  if (sandbox.hasEnded()) throw new Error(sandbox.describeEnd());
  const url = `http://127.0.0.1:${port}`;
  const setLatency = async (minMs: number, maxMs = minMs): Promise<void> =>
    void (await control(url, 'POST', 'latency', { minMs, maxMs }));
  await setLatency(latencyMs);
  for (const provider of ['hunter', 'prospeo'])
    await control(url, 'POST', 'plan', { provider, limits: PLAN });
  return {
    url,
    process: sandbox,
    setLatency,
    async allowCalls(provider, callsPerSecond) {
      // The pace, which multiplies every limit, multiplies this one too.
      const limits = [{ unit: 'calls', amount: callsPerSecond / PACE, perSeconds: 1 }];
      await control(url, 'POST', 'plan', { provider, limits });
    },
    addFault: async (provider, kind) => void (await control(url, 'POST', 'faults', { provider, kind })),
    stats: () => control(url, 'GET', 'stats') as Promise<SandboxStats>,
    reset: async () => void (await control(url, 'DELETE', 'stats')),
  };
}

async function control(url: string, method: string, name: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${url}/_control/${name}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
    headers: { 'content-type': 'application/json' },
  });
  if (!response.ok) throw new Error(`The sandbox refuses ${name}: ${await response.text()}`);
  return response.json();
}
