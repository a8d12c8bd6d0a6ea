/** Everything that can be done, to both sides: the model's rule and the service's own code. */
import type { Acceptance } from '@leadwell/api/use-cases/accept-request';
import { batchJobId } from '@leadwell/shared/queue/batch-queues';
import type { Cancellation } from '@leadwell/shared/settle/cancel-request';
import type { RowNames } from './observe';
import { acceptOrder, cancelRequest, quoteOrder } from './orders';
import { passServiceDeadline, passServiceTime } from './passing';
import { checkBatches, passDeadline, passTime, type Passing } from './relay';
import type { Act } from './session';
import type { Service } from './service';
import type { Holding, Model, Order } from './state';
import {
  answerRows,
  giveBack,
  renew,
  settleRows,
  takeLease,
  whereabouts,
  workRows,
  type Answer,
} from './work';

export function acceptAct(order: Order, name: string): Act {
  const { org, field, leads, retryOf, key } = order;
  const terms = [
    order.retryNotFound && 'retryNotFound',
    order.maxCredits !== null && `maxCredits ${order.maxCredits}`,
    key !== null && `key ${key}`,
  ].filter(Boolean);
  const what = retryOf === null ? `leads ${leads.join(' ')}` : `what failed of ${retryOf}`;
  return {
    label: `${name}: organisation ${org} orders ${field} of ${what}${terms.map((one) => `, ${one}`).join('')}`,
    expected: (model, seen) => acceptOrder(model, order, name, seen),
    resolvesFirst: retryOf !== null,
    actual: (service) => service.accept(order, name),
    told: ({ enrichments, creditsCharged, isReplay }: Acceptance, rowNames) => ({
      rows: enrichments.map(({ id, status, dataFound }) => `${rowNames.get(id)} ${status} ${dataFound}`),
      charged: creditsCharged,
      isReplay,
    }),
    ...(key !== null && { conflictsOn: `${org} ${key}` }),
  };
}

export function quoteAct(order: Order): Act {
  return {
    label: `organisation ${order.org} asks what ${order.field} of leads ${order.leads.join(' ')} cost`,
    expected: (model) => quoteOrder(model, order),
    actual: (service) => service.quote(order),
  };
}

export function cancelAct(org: number, request: string): Act {
  return {
    label: `${request} is cancelled`,
    expected: (model) => cancelRequest(model, request),
    actual: (service) => service.cancel(org, request),
    told(result: Cancellation, rowNames) {
      const {
        cancelled,
        cancelledBefore,
        asked,
        listedElsewhere,
        reused,
        refundedCredits: refunded,
      } = result;
      const lists = { cancelled, cancelledBefore, asked, listedElsewhere, reused };
      const named = Object.entries(lists).map(([name, ids]) => [name, namesOf(ids, rowNames)]);
      return { ...Object.fromEntries(named), refunded } as unknown;
    },
  };
}

export function creditsAct(org: number, credits: number): Act {
  return {
    label: `organisation ${org} gets ${credits} credits`,
    expected(model) {
      model.accounts[org]!.balance += credits;
      model.accounts[org]!.added += credits;
    },
    actual: (service) => service.addCredits(org, credits),
  };
}

export function suppressAct(question: string, org: number | null): Act {
  return {
    label: `${question} is suppressed for ${org === null ? 'everybody' : `organisation ${org}`}`,
    expected: (model) => void model.suppressed.push(`${org ?? '*'} ${question}`),
    actual: (service) => service.suppress(question, org),
  };
}

export function checkAct(org: number): Act {
  return {
    label: `the relay looks at the batches of organisation ${org}`,
    expected: (model) => checkBatches(model, org),
    actual: (service) => service.check(org),
  };
}

export function leaseAct(job: string, name: string): Act {
  const [batch = '', generation = ''] = job.split(' g');
  return {
    label: `${name}: a worker takes the job of ${job}`,
    expected: (model) => takeLease(model, job, name),
    async actual(service) {
      const batchId = service.names.idOf(batch);
      const jobId = batchJobId(batchId, Number(generation));
      service.queues.jobs.set(jobId, 'active');
      const rows = await service.worker.lease(batchId, name, jobId);
      endJobs(service);
      return rows;
    },
    told: (ids: string[] | null, rowNames) => ids && namesOf(ids, rowNames).sort(),
  };
}

/** BullMQ removes a job when the worker's function for it returns. */
function endJobs(service: Service): void {
  for (const job of service.worker.takeEndedJobs()) service.queues.jobs.delete(job);
}

/** An act of the worker that has this batch in its memory. */
function held(holding: Holding, does: string, act: Omit<Act, 'label'>): Act {
  return {
    ...act,
    label: `${holding.name} ${does}`,
    async actual(service) {
      const result = await act.actual(service);
      endJobs(service);
      return result;
    },
  };
}

const of = (model: Model, { name }: Holding): Holding => model.holdings[name]!;

export function workAct(holding: Holding): Act {
  return held(holding, 'plans its rows and claims what is to be asked', {
    expected(model) {
      const mine = of(model, holding);
      workRows(model, mine);
      return whereabouts(mine);
    },
    async actual(service) {
      await service.worker.work(holding.name);
      return service.worker.whereabouts(holding.name);
    },
    told: (rows: { id: string; where: string }[], rowNames) =>
      rows.map(({ id, where }) => `${rowNames.get(id)} ${where}`).sort(),
  });
}

export function answerAct(holding: Holding, answers: readonly Answer[]): Act {
  const heard = answers.map(({ lookup, outcome }) => `${outcome} to ${lookup}`).join(', ');
  return held(holding, `is answered ${heard}`, {
    expected: (model) => answerRows(model, of(model, holding), answers),
    actual: (service) => service.worker.answer(holding.name, answers),
  });
}

export function settleAct(holding: Holding): Act {
  return held(holding, 'settles', {
    expected: (model) => settleRows(model, of(model, holding)),
    actual: (service) => service.worker.settle(holding.name),
    told: (ids: string[] | false, rowNames) => ids && namesOf(ids, rowNames).sort(),
  });
}

export function giveBackAct(holding: Holding, isToWait: boolean): Act {
  return held(holding, `gives its batch back${isToWait ? ', to wait a minute' : ''}`, {
    expected: (model) => giveBack(model, of(model, holding), isToWait),
    actual: (service) => service.worker.giveBack(holding.name, isToWait ? 60 : 0),
  });
}

export function renewAct(holding: Holding): Act {
  return held(holding, 'renews what it holds', {
    expected: (model) => renew(model, of(model, holding)),
    actual: (service) => service.worker.renew(holding.name),
  });
}

export function killAct(holding: Holding): Act {
  return {
    label: `${holding.name} is killed`,
    expected: (model) => void delete model.holdings[holding.name],
    actual: (service) => Promise.resolve(service.worker.kill(holding.name)),
  };
}

const PASSED: Readonly<Record<Passing, string>> = {
  leases: 'leases run out, and waits are over',
  asks: 'questions under way expire',
  results: 'answers expire',
  'stalled jobs': 'jobs of dead workers stall and are delivered again',
  queue: 'the queue loses everything',
};

export function passAct(what: Passing): Act {
  return {
    label: PASSED[what],
    expected: (model) => passTime(model, what),
    actual: (service) => passServiceTime(service, what),
  };
}

export function deadlineAct(request: string): Act {
  return {
    label: `the deadline of ${request} passes`,
    expected: (model) => passDeadline(model, request),
    actual: (service) => passServiceDeadline(service, request),
  };
}

function namesOf(ids: readonly string[], rowNames: RowNames): string[] {
  return ids.map((id) => rowNames.get(id) ?? id);
}
