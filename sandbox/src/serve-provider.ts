/** A call to a provider, from the key to the answer. */
import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Account } from './account';
import type { Asked, Call, ProviderContract, Reply, Subject } from './contract';
import { misbehave } from './misbehave';
import { sendReply } from './send';
import { chanceOf, findTruth } from './truth';
import type { World } from './world';

interface Visit {
  world: World;
  contract: ProviderContract;
  account: Account;
  call: Call;
  response: ServerResponse;
}

/** Answers as the provider would: key, form, limit, faults on demand, credits, answer. */
export async function serveProvider(
  world: World,
  contract: ProviderContract,
  call: Call,
  response: ServerResponse,
): Promise<void> {
  const account = world.findAccount(contract, contract.keyOf(call));
  if (!account) {
    world.badKeys++;
    return sendReply(response, contract.badKey());
  }
  account.begin();
  try {
    await serveAccount({ world, contract, account, call, response });
  } finally {
    account.end();
  }
}

async function serveAccount(visit: Visit): Promise<void> {
  const { world, contract, account, call, response } = visit;
  const asked = contract.read(call, account.creditsLeft, account.jobs);
  const records = 'status' in asked ? 1 : Math.max(1, asked.subjects.length);
  const waitSeconds = account.enter(call.path, records, performance.now());
  const isCrowded = account.inFlight > (contract.concurrent ?? Infinity);
  if (isCrowded) account.countRefusal('rate');
  if (waitSeconds > 0 || isCrowded) return send(visit, contract.tooFast(Math.max(1, waitSeconds)));
  if ('status' in asked) {
    if (asked.status >= 400) account.countRefusal('malformed');
    return send(visit, asked);
  }
  const fault = world.faults.pick(contract.name);
  if (fault) account.countFault(fault.kind);
  await delay(world, asked.subjects[0]);
  if (fault) return misbehave({ fault, contract, response, answer: () => answer(visit, asked) });
  send(visit, answer(visit, asked));
}

function send({ account, contract, call, response }: Visit, reply: Reply): void {
  const limits = contract.limitHeaders?.(account.windowUses(call.path, performance.now()));
  sendReply(response, { ...reply, headers: { ...limits, ...reply.headers } });
}

/** Looks up, charges and counts. */
function answer({ world, contract, account }: Visit, asked: Asked): Reply {
  const found = asked.subjects.map((subject) => ({
    subject,
    finding: findTruth(contract, subject, world.seed),
    isFree: account.hasPaid(questionOf(subject)),
  }));
  const prices = new Map(found.map(({ subject, finding }) => [questionOf(subject), asked.priceOf(finding)]));
  if (!account.pay(prices)) {
    account.countRefusal('noCredit');
    return contract.noCredit();
  }
  for (const { subject } of found) account.countAnswer(questionOf(subject));
  return asked.write(found, account.creditsLeft);
}

function questionOf(subject: Subject): string {
  return `${subject.field}: ${subject.id}`;
}

/** The same for the same question. Below a millisecond nobody waits: a timer would take longer. */
async function delay({ latency, seed }: World, subject: Subject | undefined): Promise<void> {
  const { minMs, maxMs } = latency;
  const ms = minMs + (maxMs - minMs) * chanceOf(seed, 'latency', subject?.id ?? '');
  if (ms >= 1) await wait(ms);
}
