/** The control API: faults, latency, credits and statistics, for tests. */
import { type Call, fieldsOf, type Limit, type Reply } from './contract';
import { readFault } from './faults';
import { CONTRACTS, type World } from './world';

/** Answers a call under `/_control`. */
export function serveControl(world: World, call: Call): Reply {
  const route = ROUTES[`${call.method} ${call.path}`];
  return route ? route(world, call) : refuse(404, `There is no ${call.method} ${call.path}.`);
}

const ROUTES: Readonly<Record<string, (world: World, call: Call) => Reply>> = {
  'GET /_control/faults': (world) => ok(world.faults.list()),
  'POST /_control/faults': (world, call) => {
    const fault = readFault(
      call.body,
      CONTRACTS.map(({ name }) => name),
    );
    if (typeof fault === 'string') return refuse(400, fault);
    world.faults.add(fault);
    return ok(world.faults.list());
  },
  'DELETE /_control/faults': (world) => {
    world.faults.clear();
    return ok([]);
  },
  'GET /_control/stats': (world) => ok(world.stats()),
  'DELETE /_control/stats': (world) => {
    world.reset();
    return ok(world.stats());
  },
  'POST /_control/latency': (world, call) => {
    const { minMs, maxMs } = fieldsOf(call.body);
    if (!isDuration(minMs) || !isDuration(maxMs) || maxMs < minMs)
      return refuse(400, 'minMs <= maxMs <= 600000.');
    world.latency = { minMs, maxMs };
    return ok(world.latency);
  },
  'POST /_control/credits': (world, call) => {
    const { provider, credits } = fieldsOf(call.body);
    if (typeof credits !== 'number' || !(credits >= 0))
      return refuse(400, 'credits must be a number, 0 or more.');
    const accounts = world.accounts().filter((account) => account.provider === provider);
    for (const account of accounts) account.creditsLeft = credits;
    return ok({ accounts: accounts.length });
  },
  'POST /_control/plan': (world, call) => {
    const { provider, limits } = fieldsOf(call.body);
    const isKnown = CONTRACTS.some(({ name }) => name === provider);
    if (!isKnown || !Array.isArray(limits) || !limits.every(isLimit))
      return refuse(400, 'provider, and limits: [{ unit: calls or records, amount, perSeconds }].');
    world.setPlan(String(provider), limits);
    return ok({ provider, limits });
  },
  'GET /_control/followed': (world) => {
    world.redirectsFollowed++;
    return ok({});
  },
};

function isLimit(value: unknown): value is Limit {
  const { unit, amount, perSeconds } = fieldsOf(value);
  const isPositive = (number: unknown): boolean => typeof number === 'number' && number > 0;
  return (unit === 'calls' || unit === 'records') && isPositive(amount) && isPositive(perSeconds);
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 600_000;
}

function ok(body: unknown): Reply {
  return { status: 200, body };
}

function refuse(status: number, message: string): Reply {
  return { status, body: { error: message } };
}
