/** One sequence: the model beside the service, and how they are compared. */
import { audit } from '@leadwell/shared/ledger/audit';
import { AppError } from '@leadwell/shared/domain/errors';
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { observeModel, observeService, type Observation, type RowNames } from './observe';
import type { Service } from './service';
import { newModel, type Model } from './state';

/** One thing to do, to both sides. Names are made before it runs: both use the same. */
export interface Act {
  /** As it stands in a failing sequence. */
  label: string;
  /**
   * Changes the model and gives the result that the service should give. `seen`: the state that a selection was resolved in,
   * which may be an earlier one: it takes no lock.
   */
  expected(model: Model, seen: Model): unknown;
  /** Does it; what it throws for a caller is a result. */
  actual(service: Service): Promise<unknown>;
  /** The result in the model's words. */
  told?(result: never, rowNames: RowNames): unknown;
  /** Its selection is resolved before it waits for its turn. */
  resolvesFirst?: boolean;
  /** Set where two of this that run at once may answer CONFLICT, and do nothing: what they have in common. */
  conflictsOn?: string;
}

export class Session {
  model: Model = newModel();

  constructor(readonly service: Service) {}

  /** Runs acts at the same time. The outcome must be that of one order of them, one after another. */
  async run(acts: readonly Act[]): Promise<void> {
    const results = await Promise.all(acts.map((act) => outcomeOf(act, this.service)));
    const { seen, rowNames } = await observeService(this.service);
    const told = acts.map((act, index) => toldOf(act, results[index], rowNames));
    const candidates: Prediction[] = [];
    for (const order of ordersOf(acts.map((_, index) => index))) {
      for (const early of subsetsOf(
        acts.length > 1 ? order.filter((index) => acts[index]!.resolvesFirst) : [],
      )) {
        const candidate = this.predict(acts, told, order, early);
        if (isSame(candidate, { told, seen })) return void (this.model = candidate.model);
        candidates.push(candidate);
      }
    }
    throw new Error(`The service did otherwise than the model:\n${nearest(candidates, { told, seen })}`);
  }

  private predict(
    acts: readonly Act[],
    actual: readonly unknown[],
    order: readonly number[],
    early: readonly number[],
  ): Prediction {
    const model = structuredClone(this.model);
    const told: unknown[] = [];
    for (const index of order) {
      const act = acts[index]!;
      const isInFlight =
        acts.some(
          (other) =>
            other !== act && other.conflictsOn !== undefined && other.conflictsOn === act.conflictsOn,
        ) && JSON.stringify(actual[index]) === '{"error":"CONFLICT"}';
      told[index] = isInFlight
        ? actual[index]
        : act.expected(model, early.includes(index) ? this.model : model);
    }
    model.steps++;
    return { model, told, seen: observeModel(model) };
  }

  /** As run, one act, without looking at what became of it. */
  async runUnseen(act: Act): Promise<void> {
    await outcomeOf(act, this.service);
    act.expected(this.model, this.model);
  }

  /** The books of everybody in the database add up. */
  async checkBooks(): Promise<void> {
    const { invariants } = await audit(this.service.knex);
    assert.deepEqual(
      invariants.filter(({ violations }) => violations > 0),
      [],
    );
  }
}

interface Outcome {
  told: unknown[];
  seen: Observation;
}

interface Prediction extends Outcome {
  model: Model;
}

async function outcomeOf(act: Act, service: Service): Promise<unknown> {
  try {
    return await act.actual(service);
  } catch (error) {
    if (error instanceof AppError) return { error: error.code };
    throw error;
  }
}

function toldOf(act: Act, result: unknown, rowNames: RowNames): unknown {
  const isError = typeof result === 'object' && result !== null && 'error' in result;
  return isError || !act.told ? result : act.told(result as never, rowNames);
}

/** jest runs tests in a realm of their own: what was cloned has other prototypes. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function isSame(expected: Outcome, actual: Outcome): boolean {
  return (
    isDeepStrictEqual(plain(expected.told), plain(actual.told)) &&
    isDeepStrictEqual(plain(expected.seen), plain(actual.seen))
  );
}

/** What differs, line by line, from the prediction that comes nearest. */
function nearest(predictions: readonly Outcome[], actual: Outcome): string {
  const differences = predictions.map((expected) => {
    const [wanted, got] = [linesOf(expected), linesOf(actual)];
    return [...new Set([...wanted.keys(), ...got.keys()])]
      .filter((path) => wanted.get(path) !== got.get(path))
      .map((path) => `  ${path}\n    expected ${wanted.get(path)}\n    was      ${got.get(path)}`);
  });
  return differences.sort((a, b) => a.length - b.length)[0]!.join('\n');
}

function linesOf({ told, seen }: Outcome): Map<string, string> {
  const lines = new Map(told.map((result, index) => [`result ${index + 1}`, JSON.stringify(result)]));
  for (const [part, facts] of Object.entries(seen))
    for (const [name, text] of Object.entries(facts as Record<string, string>))
      lines.set(`${part} ${name}`, text);
  return lines;
}

function subsetsOf(items: readonly number[]): number[][] {
  const [first, ...rest] = items;
  return first === undefined ? [[]] : subsetsOf(rest).flatMap((subset) => [subset, [first, ...subset]]);
}

function ordersOf(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((first) =>
    ordersOf(items.filter((one) => one !== first)).map((rest) => [first, ...rest]),
  );
}
