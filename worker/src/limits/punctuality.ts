/** So many punctual departures halve what a lapse has added. */
const HALVED_AFTER = 150;
const DECAY = 0.5 ** (1 / HALVED_AFTER);
const GROWTH = 1.5;

const LEAD_AT_LEAST_MS = 40;
const LEAD_AT_MOST_MS = 1_000;
/** Of the shortest window. */
const SLACK_AT_LEAST = 0.006;
const SLACK_AT_MOST = 0.075;

/**
 * How far ahead calls are booked and how late they may leave, learnt from how they did. Lead costs nothing while the limit is
 * used up: it covers what is written between the reservation and the call. Slack costs throughput, since a call counts until
 * a window after the last moment at which it may leave: 10 ms of a second are 1 %. Too little of it, and bookings lapse;
 * what lapsed is taken back and booked again.
 */
export class Punctuality {
  private readonly slackAtLeastMs: number;
  private readonly slackAtMostMs: number;
  leadMs = LEAD_AT_LEAST_MS;
  slackMs: number;

  constructor(shortestWindowMs: number) {
    this.slackAtLeastMs = Math.min(500, Math.max(6, shortestWindowMs * SLACK_AT_LEAST));
    this.slackAtMostMs = this.slackAtLeastMs * (SLACK_AT_MOST / SLACK_AT_LEAST);
    this.slackMs = this.slackAtLeastMs;
  }

  /** A call was made ready `preparedMs` after it was booked, and left `lateMs` after it could. */
  departed(preparedMs: number, lateMs: number): void {
    this.learnLead(preparedMs * GROWTH);
    this.learnSlack(lateMs);
  }

  /** A booking with this lead and slack was missed: by a caller that was not ready in time, or by a busy process. */
  lapsed(preparedMs: number, leadMs: number, slackMs: number): void {
    if (preparedMs > leadMs) this.learnLead(preparedMs * GROWTH);
    // Grown from what this booking had: ten that lapse together count once.
    else this.learnSlack(slackMs * GROWTH);
  }

  private learnLead(neededMs: number): void {
    this.leadMs = Math.max(LEAD_AT_LEAST_MS, this.leadMs * DECAY, Math.min(neededMs, LEAD_AT_MOST_MS));
  }

  private learnSlack(neededMs: number): void {
    this.slackMs = Math.max(
      this.slackAtLeastMs,
      this.slackMs * DECAY,
      Math.min(neededMs, this.slackAtMostMs),
    );
  }
}
