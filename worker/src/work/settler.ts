import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from '@leadwell/shared/db/database';
import { classifyDatabaseError } from '@leadwell/shared/db/sql-state';
import {
  settleOrganisation,
  settleTogether,
  type Settlement,
  type SettleResult,
} from '@leadwell/shared/settle/settle';
import { combine } from './combine';

export interface SettlerOptions {
  knex: Knex;
  /** Organisations whose account a connection waits for at once, fewer than the pool has connections. Defaults to 2. */
  accountsAwaitedAtMost?: number;
}

/** Their organisations' accounts are held until the commit. */
const BATCHES_AT_MOST = 16;
const TRY_AGAIN_MS = 200;

/** Null: another has the account, and nothing was changed. */
type TrySettle = (settlement: Settlement) => Promise<SettleResult | null>;

/** An organisation in line. */
interface Place {
  /** Waits for the account where it is the organisation's turn: one transaction at a time, for all its groups; null where it is not. */
  settle: TrySettle;
  /** Groups that are not settled yet; the place is left with the last. */
  groups: number;
}

/**
 * Settles for all batches of a process. Groups whose account is free settle together. Organisations whose account another holds
 * stand in line, in order of arrival: for the first few a connection each waits, since whoever only looks may never find a busy
 * account free; the others look again and again meanwhile. So an account that is held for long, by a process that stands
 * still, takes neither the connections from the others nor their turn.
 */
export class Settler {
  private readonly together: TrySettle;
  private readonly line = new Map<string, Place>();
  private readonly accountsAwaitedAtMost: number;

  constructor(private readonly options: SettlerOptions) {
    this.accountsAwaitedAtMost = options.accountsAwaitedAtMost ?? 2;
    this.together = oneByOne((settlements) => settleTogether(options.knex, settlements));
  }

  /** Organisations in line; 0 where no account is waited for. */
  get inLineCount(): number {
    return this.line.size;
  }

  /** Rejects as `settle` does: for a fault of this very group, or where the database cannot serve. */
  async settle(settlement: Settlement): Promise<SettleResult> {
    return (await this.together(settlement)) ?? this.settleInLine(settlement);
  }

  private async settleInLine(settlement: Settlement): Promise<SettleResult> {
    const { orgId } = settlement.batch;
    const place = this.placeOf(orgId);
    place.groups++;
    try {
      let result = await place.settle(settlement);
      while (!result) {
        await delay(TRY_AGAIN_MS);
        result = (await this.together(settlement)) ?? (await place.settle(settlement));
      }
      return result;
    } finally {
      if (--place.groups === 0) this.line.delete(orgId);
    }
  }

  private placeOf(orgId: string): Place {
    const known = this.line.get(orgId);
    if (known) return known;
    const place = { settle: oneByOne((settlements) => this.settleAtTurn(orgId, settlements)), groups: 0 };
    this.line.set(orgId, place);
    return place;
  }

  /** Who is at turn stays so until it is done, since those ahead only leave: no more than the first few ever wait. */
  private async settleAtTurn(
    orgId: string,
    settlements: readonly Settlement[],
  ): Promise<(SettleResult | null)[]> {
    const atTurn = [...this.line.keys()].slice(0, this.accountsAwaitedAtMost);
    if (!atTurn.includes(orgId)) return settlements.map(() => null);
    const results = await settleOrganisation(this.options.knex, orgId, settlements);
    this.goToTheEnd(orgId);
    return results;
  }

  /** The next one's turn. Not after a fault, before it is known whose it is. */
  private goToTheEnd(orgId: string): void {
    const place = this.placeOf(orgId);
    this.line.delete(orgId);
    this.line.set(orgId, place);
  }
}

/** One group of settlements at a time: two would be in each other's way. */
function oneByOne(run: (settlements: Settlement[]) => Promise<(SettleResult | null)[]>): TrySettle {
  return combine({
    concurrency: 1,
    sizeAtMost: BATCHES_AT_MOST,
    run,
    failsAll: (error) => classifyDatabaseError(error) !== 'other',
  });
}
