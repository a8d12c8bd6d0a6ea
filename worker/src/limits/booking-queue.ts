import { setMaxListeners } from 'node:events';
import type { ProviderResponse } from '@leadwell/providers/adapter';
import type { Provider } from '@leadwell/providers/provider';
import type { Knex } from '@leadwell/shared/db/database';
import {
  bookProviderCalls,
  type BookingReply,
  type BreakerKind,
  type Departures,
  type LateCall,
  type LimitWindow,
  type UnusedBooking,
} from '@leadwell/shared/repositories/provider-limits';
import type { Logger } from '@leadwell/shared/runtime/logger';
import { performance } from 'node:perf_hooks';
import type { Breakers } from './breaker';
import { ClockBounds } from './clock-bounds';
import { HeadStarts } from './head-starts';
import { limitWindowsOf } from './limit-windows';
import { Nap } from './nap';
import { Punctuality } from './punctuality';
import { refusalOf, refused } from './refusals';
import type { Refusal } from './reservation';
import { ToldLimits } from './told-limits';

/** The time at which one call may leave, by this process's clock. */
export interface Booking {
  granted: true;
  after: BreakerKind | null;
  bookedAtMs: number;
  /** When the caller got it: from then on it prepares its call. */
  grantedAtMs: number;
  leaveFromMs: number;
  fromMs: number;
  untilMs: number;
  leadMs: number;
  slackMs: number;
}

/** All places are taken: a call that gets ready meanwhile books when it is (`isReady`). */
export interface HeadStart {
  granted: true;
  isHeadStart: true;
}

const HEAD_START: HeadStart = { granted: true, isHeadStart: true };

/** A call that a booking is wanted for. */
export interface WantedCall {
  records: number;
  /** It had a head start, which ends here or with `headStarts.end()`. */
  isReady?: boolean;
  /** Whether it holds a place already: it has left before, or missed its time, and has nothing more to get ready. */
  placed: boolean;
  /** Bookings that it has missed in a row. */
  missed: number;
  /** See ReserveOptions. */
  claimFollows: boolean;
}

interface Waiter extends WantedCall {
  /** It came with a place and has none at the moment: see `losePlaces`. */
  hasLostPlace: boolean;
  settle(result: Booking | HeadStart | Refusal): void;
  settled: boolean;
}

/** Calls booked in one round trip at most. */
const BATCH = 100;
/**
 * How far ahead a call is booked while the limit is used up, and how much of its time one round trip books: long enough that four
 * processes need a few round trips a second each, short enough that nobody waits long behind them.
 */
const AHEAD_MS = 500;
const SPREAD_MS = 100;
const HANDFULS = 32;
/**
 * A call booked ahead is granted so long before it leaves, at least, and twice its lead: time enough to write its claim. What goes with it is
 * chosen when it is granted, so that who comes later waits behind this, and not behind all that is booked.
 */
const PREPARE_MS = 100;
/** A round trip begins so much before it has to: it takes its time. */
const ROUND_TRIP_MS = 20;
/** A longer wait is cut: a breaker may open meanwhile. */
const NAP_AT_MOST_MS = 3_000;
/** Places are renewed as leases are, so often while they last. */
const RENEWALS = 4;
/** A probe leaves up to a lead and a slack after the round trip that booked it; its deadline runs from then. */
const PROBE_MARGIN_MS = 3_000;
/** What a call that has nothing to get ready is booked ahead. */
const PLACED_LEAD_MS = 40;
/** How late a call may leave that has missed its time twice, doubled with every time more: on a stalled machine it leaves in the end. */
const PATIENCE_MS = 40;
const PATIENCE_AT_MOST_MS = 1_000;
/** Places that nobody waits for in this process are given back after this time. */
const GIVE_BACK_AFTER_MS = 50;
const GIVE_BACK_AGAIN_MS = 2_000;
/** A limit that made calls wait will again: it is used up in the first part of most windows. */
const LIMITED_FOR_MS = 60_000;
/** The first call to a provider that tells its limits goes alone, for so long at most: its answer may say that we ask too fast. */
const FIRST_ALONE_MS = 2_000;

/**
 * The calls of this process that wait for one provider account, in order of arrival. One round trip at a time books for as
 * many as the limits grant; who arrives meanwhile shares the next.
 */
export class BookingQueue {
  readonly punctuality: Punctuality;
  readonly headStarts = new HeadStarts();
  recordsAtMost = Infinity;
  private readonly windows: LimitWindow[];
  private readonly clock = new ClockBounds();
  private readonly nap = new Nap();
  private waiters: Waiter[] = [];
  /** Booked, and not granted yet. */
  private readonly booked = new Map<Waiter, Booking>();
  private unused: UnusedBooking[] = [];
  private late: LateCall[] = [];
  private readonly told: ToldLimits;
  private isHeard: boolean;
  private heldPlaces = 0;
  /** Places that calls will give back, and have not. */
  private lostPlaces = 0;
  private toldPlaces = 0;
  private freedPlaces = 0;
  private running = false;
  private waitsForPlaces = false;
  private waitsForFirst = false;
  private isNapping = false;
  private limitedAtMs = -Infinity;
  private giveBackTimer: NodeJS.Timeout | undefined;
  private readonly renewTimer: NodeJS.Timeout;
  private closed = false;

  constructor(
    private readonly knex: Knex,
    private readonly logger: Logger,
    private readonly holderId: string,
    private readonly provider: Provider,
    private readonly breakers: Pick<Breakers, 'openedAtMs'>,
    /** After this time the places of a process that died are free again. */
    private readonly placeMs: number,
  ) {
    this.windows = limitWindowsOf(provider);
    this.told = new ToldLimits(knex, logger, provider);
    this.isHeard = !provider.adapter.rateHeaders;
    this.punctuality = new Punctuality(this.windows[0]?.windowMs ?? 60_000);
    this.renewTimer = setInterval(() => this.renew(), placeMs / RENEWALS).unref();
  }

  /** Waits in line for a booking; one that holds a place already, at its head. */
  book(call: WantedCall, signal: AbortSignal): Promise<Booking | HeadStart | Refusal> {
    if (signal.aborted || this.closed)
      return Promise.resolve(refused('aborted', 'The work was called off.', 0));
    return new Promise((resolve) => {
      const abort = (): void => this.callOff(waiter, 'The work was called off.');
      const waiter: Waiter = {
        ...call,
        hasLostPlace: false,
        settled: false,
        settle: (result) => {
          if (waiter.settled) return;
          waiter.settled = true;
          // Its caller gives back the place that it came with, and knows of no other.
          if (!result.granted && waiter.hasLostPlace) this.lostPlaces++;
          if (!result.granted && waiter.isReady && waiter.placed) this.freePlace();
          signal.removeEventListener('abort', abort);
          resolve(result);
        },
      };
      // One signal may stand for thousands of waiting rows.
      setMaxListeners(0, signal);
      signal.addEventListener('abort', abort);
      this.enqueue(waiter);
      void this.run();
    });
  }

  /** A call has ended: its place is free. */
  release(): void {
    this.isHeard = true;
    if (this.lostPlaces > 0) {
      this.lostPlaces--;
      return;
    }
    const nowMs = performance.now();
    this.headStarts.freed(nowMs);
    if (!this.passPlaceOn(nowMs)) this.freePlace();
  }

  /** To the next of this process that is ready, if it may stay here. Where no window counts, it leaves at once. */
  private passPlaceOn(nowMs: number): boolean {
    const next = this.waiters.find((waiter) => waiter.isReady && !waiter.placed && !waiter.settled);
    const openedAtMs = this.breakers.openedAtMs(this.provider);
    if (!next || !this.headStarts.keeps(this.heldPlaces, { nowMs, openedAtMs })) return false;
    next.placed = true;
    if (this.windows.length > 0) this.nap.wake();
    else {
      const { slackMs } = this.punctuality;
      const times = {
        bookedAtMs: nowMs,
        grantedAtMs: nowMs,
        leaveFromMs: 0,
        fromMs: nowMs,
        untilMs: Infinity,
      };
      next.settle({ granted: true, after: null, ...times, leadMs: PLACED_LEAD_MS, slackMs });
      this.dropSettled();
    }
    this.giveHeadStarts();
    return true;
  }

  /**
   * Not where a limit on calls or records binds: there calls hold their places while they wait for their time, and who got ready is before
   * whoever comes later. In order: past a call that has nothing to get ready, those behind it would go on taking the place that it waits for.
   */
  private giveHeadStarts(): void {
    const nowMs = performance.now();
    if (nowMs - this.limitedAtMs < LIMITED_FOR_MS) return;
    let room = this.headStarts.room(nowMs);
    for (const waiter of this.waiters) {
      if (room === 0) return;
      if (waiter.placed || waiter.isReady || waiter.settled) continue;
      if (!waiter.claimFollows) return;
      this.headStarts.begin();
      waiter.settle(HEAD_START);
      room--;
    }
  }

  private freePlace(): void {
    this.heldPlaces--;
    this.freedPlaces++;
    // Where there are many places they are taken in handfuls: a round trip for each would be the dearest part of a call.
    const isHandful = this.freedPlaces >= this.provider.concurrent / HANDFULS;
    if (this.waitsForFirst || (this.waitsForPlaces && isHandful)) this.nap.wake();
    this.giveBackSoon();
  }

  /** Nobody leaves by this booking: the next round trip takes it back. */
  giveUp(booking: Booking, records: number): void {
    this.unused.push({ leaveFromMs: booking.leaveFromMs, records });
  }

  /** Whether this process has opened the provider's breaker since. The other processes' bookings leave for half a second more. */
  isOverruled(booking: Booking): boolean {
    return booking.bookedAtMs < this.breakers.openedAtMs(this.provider);
  }

  /** The request of a booking goes out now. Later than it should: it has to count for longer. */
  noteSent(booking: Booking): void {
    const nowMs = performance.now();
    if (nowMs <= booking.untilMs) return;
    this.late.push({ leaveFromMs: booking.leaveFromMs, sentMs: this.clock.atMost(nowMs) });
    // Before others book what follows a window later.
    if (this.isNapping) this.nap.wake();
    this.giveBackSoon();
  }

  /** A response has come. */
  hear(headers: ProviderResponse['headers']): void {
    void this.told.hear(headers);
  }

  /** Refuses who waits. The places of calls in flight stay until they expire, or are given back by the limiter. */
  close(): void {
    this.closed = true;
    clearTimeout(this.giveBackTimer);
    clearInterval(this.renewTimer);
    for (const waiter of [...this.waiters, ...this.booked.keys()])
      this.callOff(waiter, 'The worker is stopping.');
    this.nap.wake();
  }

  get hasCallsInFlight(): boolean {
    return this.heldPlaces > 0;
  }

  private enqueue(waiter: Waiter): void {
    const firstBehind = this.waiters.findIndex((other) => turnOf(other) > turnOf(waiter));
    if (firstBehind >= 0) this.waiters.splice(firstBehind, 0, waiter);
    else this.waiters.push(waiter);
    // Whoever holds a place may be granted while the others wait for one.
    if (waiter.placed && this.waitsForPlaces) this.nap.wake();
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    // Callers of the same turn share the first round trip.
    await Promise.resolve();
    let failures = 0;
    while (this.dropSettled() > 0 && !this.closed) {
      try {
        await this.bookOnce();
        failures = 0;
      } catch (error) {
        // Without the database nothing is granted: it alone knows what the other processes use.
        if (failures++ % 20 === 0)
          this.logger.warn({ err: error, provider: this.provider.name }, 'limits unavailable');
        await this.nap.sleep(Math.min(2_000, 50 * 2 ** Math.min(failures, 6)) * (0.5 + Math.random() / 2));
      }
    }
    this.running = false;
    // Whoever waited may have been called off: then no booking tells it.
    if (this.owes) this.giveBackSoon();
  }

  private dropSettled(): number {
    this.waiters = this.waiters.filter((waiter) => !waiter.settled);
    return this.waiters.length;
  }

  private async bookOnce(): Promise<void> {
    // The first round trip may have to connect: its bounds would be so wide that what it books lapses.
    if (this.clock.isStale(performance.now())) await this.ask([], 0, 0);
    const batch = this.nextBatch();
    const placed = batch.filter((waiter) => waiter.placed);
    const { leadMs, slackMs } = this.boundsFor(batch);
    const reply = await this.ask(batch, leadMs, slackMs + patienceMs(batch));
    const bookings = reply.departures.flatMap(({ calls, ...times }) =>
      Array<Booking>(calls).fill(this.toBooking(times, { leadMs, slackMs, after: reply.breakerKind })),
    );
    const last = bookings.at(-1);
    const isAhead = last !== undefined && last.leaveFromMs > reply.clockMs;
    if (isAhead || reply.waitsFor === 'limit') this.limitedAtMs = performance.now();
    this.grantInTime(batch.slice(0, reply.granted), bookings);
    if (!this.isHeard && reply.granted > 0) return this.waitForFirst();
    if (reply.waitsFor === 'places' && reply.granted === 0) this.losePlaces(placed);
    await this.waitAsTold(reply, batch[reply.granted], last);
  }

  /** Those that hold a place come first, and alone, then those that are ready: they leave sooner than what has yet to be got ready. */
  private nextBatch(): Waiter[] {
    // One that waited may have been given a place.
    this.waiters.sort((a, b) => turnOf(a) - turnOf(b));
    const [first] = this.waiters;
    const alike = this.waiters.findIndex((waiter) => first && turnOf(waiter) !== turnOf(first));
    return this.waiters.slice(0, Math.min(this.isHeard ? BATCH : 1, alike > 0 ? alike : BATCH));
  }

  private boundsFor(batch: readonly Waiter[]): { leadMs: number; slackMs: number } {
    const { leadMs, slackMs } = this.punctuality;
    const [first] = batch;
    return { leadMs: first && turnOf(first) < 2 ? PLACED_LEAD_MS : leadMs, slackMs };
  }

  private toBooking(
    { leaveFromMs, leaveUntilMs }: Omit<Departures, 'calls'>,
    asked: Pick<Booking, 'leadMs' | 'slackMs' | 'after'>,
  ): Booking {
    const bookedAtMs = performance.now();
    const fromMs = this.clock.surelyAfter(leaveFromMs);
    const untilMs = this.clock.surelyBefore(leaveUntilMs);
    return { granted: true, ...asked, bookedAtMs, grantedAtMs: bookedAtMs, leaveFromMs, fromMs, untilMs };
  }

  /** Calls that are booked together are granted together: they claim their questions together. */
  private grantInTime(waiters: readonly Waiter[], bookings: readonly Booking[]): void {
    const [first] = bookings;
    if (!first) return;
    waiters.forEach((waiter, i) => this.keep(waiter, bookings[i] as Booking));
    this.waiters = this.waiters.filter((waiter) => !this.booked.has(waiter));
    const grantAll = (): void => waiters.forEach((waiter) => this.grant(waiter));
    const waitMs = first.fromMs - performance.now() - Math.max(PREPARE_MS, 2 * first.leadMs);
    if (waitMs <= 0) grantAll();
    else setTimeout(grantAll, waitMs);
  }

  private keep(waiter: Waiter, booking: Booking): void {
    if (waiter.settled) return this.giveUp(booking, waiter.records);
    if (!waiter.placed) this.heldPlaces++;
    waiter.placed ||= waiter.hasLostPlace;
    waiter.hasLostPlace = false;
    this.booked.set(waiter, booking);
  }

  /**
   * Only where more places are held than there are is a call refused that holds one: processes stood still, and others took their
   * places. If all those calls have yet to leave, each would wait for the others for ever. So a call that waits holds none then.
   */
  private losePlaces(refused: readonly Waiter[]): void {
    for (const waiter of refused) {
      if (!waiter.placed || waiter.settled) continue;
      waiter.placed = false;
      waiter.hasLostPlace = !waiter.isReady;
      this.heldPlaces--;
    }
  }

  private grant(waiter: Waiter): void {
    const booking = this.booked.get(waiter);
    if (!booking) return;
    this.booked.delete(waiter);
    const grantedAtMs = performance.now();
    // Booked further ahead, it has more time to get ready.
    const leadMs = Math.max(booking.leadMs, booking.fromMs - grantedAtMs);
    waiter.settle({ ...booking, grantedAtMs, leadMs });
  }

  private callOff(waiter: Waiter, because: string): void {
    waiter.settle(refused('aborted', because, 0));
    const booking = this.booked.get(waiter);
    if (!booking) return;
    this.booked.delete(waiter);
    this.giveUp(booking, waiter.records);
    if (!waiter.placed) this.freePlace();
  }

  private async ask(batch: readonly Waiter[], leadMs: number, slackMs: number): Promise<BookingReply> {
    const heldPlaces = this.heldPlaces;
    // Given up once: where the answer is lost, they may have been taken back or count as used.
    const unused = this.unused.splice(0);
    const late = this.late.slice();
    const sentMs = performance.now();
    const reply = await bookProviderCalls(this.knex, {
      account: this.provider.account,
      holderId: this.holderId,
      heldPlaces,
      records: batch.map((waiter) => waiter.records),
      placedCount: batch.filter((waiter) => waiter.placed).length,
      windows: this.windows,
      concurrent: this.provider.concurrent,
      leadMs,
      slackMs,
      aheadMs: Math.max(this.aheadMs, leadMs),
      spreadMs: SPREAD_MS,
      // A call that went out late has no claim to come.
      deferred: batch.length > 0 && late.length === 0 && batch.every(({ claimFollows }) => claimFollows),
      unused,
      late,
      placeMs: this.placeMs,
      probeMs: this.provider.timeoutSeconds * 1000 + PROBE_MARGIN_MS,
    });
    this.late.splice(0, late.length);
    this.recordsAtMost = reply.recordsAtMost ?? Infinity;
    this.clock.observe(sentMs, reply.clockMs, performance.now());
    this.headStarts.heard(reply, sentMs);
    this.toldPlaces = heldPlaces + reply.granted;
    return reply;
  }

  private async waitForFirst(): Promise<void> {
    this.waitsForFirst = true;
    await this.nap.sleep(Math.min(FIRST_ALONE_MS, this.placeMs / RENEWALS));
    this.waitsForFirst = false;
    this.isHeard = true;
  }

  private async waitAsTold(
    reply: BookingReply,
    first: Waiter | undefined,
    last: Booking | undefined,
  ): Promise<void> {
    if (!first) return;
    const refusal = reply.waitsFor === null ? undefined : refusalOf(reply, this.provider);
    if (refusal) {
      // What the first cannot have, nobody can who asks for as much.
      for (const waiter of this.waiters) if (waiter.records >= first.records) waiter.settle(refusal);
      return;
    }
    this.waitsForPlaces = reply.waitsFor === 'places';
    if (this.waitsForPlaces) this.giveHeadStarts();
    this.freedPlaces = 0;
    const waitMs = this.untilNextRoundMs(reply, last);
    this.isNapping = true;
    await this.nap.sleep(Math.max(1, Math.min(waitMs, NAP_AT_MOST_MS, this.placeMs / RENEWALS)));
    this.isNapping = false;
    this.waitsForPlaces = false;
  }

  /**
   * Who has booked comes again when the last of it is about to leave: the others book what lies behind it meanwhile, so that all get
   * their turns without knowing of each other.
   */
  private untilNextRoundMs({ waitsFor, waitMs }: BookingReply, last: Booking | undefined): number {
    if (waitsFor === 'places' || waitsFor === 'breaker') return waitMs;
    const { leadMs } = this.punctuality;
    if (last) return last.fromMs - performance.now() - leadMs - ROUND_TRIP_MS;
    return waitsFor === 'limit' ? waitMs - Math.max(leadMs, this.aheadMs - SPREAD_MS * Math.random()) : 0;
  }

  /** A provider that tells its limits may tell a smaller one at any time, and what is booked leaves all the same. */
  private get aheadMs(): number {
    return this.provider.adapter.rateHeaders ? 0 : AHEAD_MS;
  }

  /** Whoever holds places says so again in time, however long its calls take. Who books says it with every booking. */
  private renew(): void {
    if (this.heldPlaces > 0 && !this.running) void this.tell();
  }

  private get owes(): boolean {
    return this.heldPlaces < this.toldPlaces || this.unused.length + this.late.length > 0;
  }

  private giveBackSoon(afterMs = GIVE_BACK_AFTER_MS): void {
    this.giveBackTimer ??= setTimeout(() => this.giveBack(), afterMs).unref();
  }

  private giveBack(): void {
    this.giveBackTimer = undefined;
    // Who waits tells it with the next booking.
    if (!this.running && !this.closed && this.owes) void this.tell();
  }

  /** Nobody books meanwhile: a booking that overtook this would have its places taken back, and others would call beside it. */
  private async tell(): Promise<void> {
    this.running = true;
    await this.ask([], 0, 0).catch(() => this.giveBackSoon(GIVE_BACK_AGAIN_MS));
    this.running = false;
    void this.run();
  }
}

function turnOf({ placed, isReady, hasLostPlace }: Waiter): number {
  if (placed) return 0;
  return isReady || hasLostPlace ? 1 : 2;
}

function patienceMs(batch: readonly Waiter[]): number {
  const missed = Math.max(0, ...batch.map((waiter) => waiter.missed));
  return missed < 2 ? 0 : Math.min(PATIENCE_MS * 2 ** (missed - 2), PATIENCE_AT_MOST_MS);
}
