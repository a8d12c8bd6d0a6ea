/**
 * When work is "back". Worker: from its SIGKILL until the first row that was pending in a batch it held leased ended.
 * Redis: from the moment it is reachable again until a row ended of a batch that was leased for the first time since.
 * PostgreSQL: from the moment it accepts connections again until the first row ended. An end by cancel never counts; a
 * worker that held nothing gives no sample.
 */
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { query, type Knex } from '@leadwell/shared/db/database';
import { BatchStory } from './batch-story';
import { say } from './say';

export type RecoveryKind = 'worker' | 'redis' | 'postgres';
/** The stories of the first few recoveries that took longer are told. */
const TOLD = { slowerThanMs: 15_000, atMost: 3 };
const GIVEN_UP_MS = 120_000;

export interface HeldRow {
  id: string;
  batchId: string;
}

export class Recoveries {
  readonly samplesMs: Record<RecoveryKind, number[]> = { worker: [], redis: [], postgres: [] };
  private told = 0;
  private readonly open = new Set<Promise<void>>();

  /** `onGivenUp` is called for each that does not come. */
  constructor(
    private readonly knex: Knex,
    private readonly onGivenUp: () => Promise<void>,
  ) {}

  /** The rows that a worker holds now; none where PostgreSQL cannot be asked. */
  async listHeldRows(pid: number | undefined): Promise<HeldRow[]> {
    return query<HeldRow>(
      this.knex,
      `SELECT e.id, b.id AS "batchId" FROM batches b JOIN enrichments e ON e.batch_id = b.id AND e.status = 'pending'
        WHERE b.leased_by = :worker AND b.lease_until > clock_timestamp() AND b.completed_at IS NULL`,
      { worker: `${hostname()}:${pid}` },
    ).catch(() => []);
  }

  worker(rows: readonly HeldRow[], sinceMs: number): void {
    if (rows.length === 0) return;
    const rowIds = rows.map(({ id }) => id);
    const story = new BatchStory(this.knex, sinceMs, [...new Set(rows.map(({ batchId }) => batchId))]);
    void this.measure('worker', sinceMs, 'e.id = ANY(:rowIds::uuid[])', { rowIds }, story);
  }

  redis(sinceMs: number): Promise<void> {
    return this.measure('redis', sinceMs, 'b.started_at > :since');
  }

  postgres(sinceMs: number): Promise<void> {
    return this.measure('postgres', sinceMs, 'true');
  }

  /** Until every measure that has begun is taken. */
  async finish(): Promise<void> {
    await Promise.all(this.open);
  }

  private measure(
    kind: RecoveryKind,
    sinceMs: number,
    condition: string,
    bindings: object = {},
    story?: BatchStory,
  ): Promise<void> {
    const measuring = this.poll(kind, sinceMs, condition, bindings, story).finally(() =>
      this.open.delete(measuring),
    );
    this.open.add(measuring);
    return measuring;
  }

  /** One that never comes is a sample too: the time that it was waited for. */
  private async poll(
    kind: RecoveryKind,
    sinceMs: number,
    condition: string,
    bindings: object,
    story: BatchStory | undefined,
  ): Promise<void> {
    const sql = `SELECT min(e.ended_at) AS at FROM enrichments e JOIN batches b ON b.id = e.batch_id
                  WHERE e.ended_at > :since AND e.status <> 'cancelled' AND ${condition}`;
    let atMs = sinceMs + GIVEN_UP_MS;
    while (Date.now() < sinceMs + GIVEN_UP_MS) {
      const found = query<{ at: Date | null }>(this.knex, sql, { ...bindings, since: new Date(sinceMs) });
      const [row] = await found.catch(() => []);
      if (row?.at) {
        atMs = row.at.getTime();
        break;
      }
      await story?.look();
      await delay(200);
    }
    if (story && atMs - sinceMs > TOLD.slowerThanMs && this.told++ < TOLD.atMost)
      say(`back after ${(atMs - sinceMs) / 1000} s:\n${story.tell()}`);
    if (atMs - sinceMs >= GIVEN_UP_MS) await this.onGivenUp();
    this.samplesMs[kind].push(atMs - sinceMs);
  }
}

export interface Percentiles {
  p50: number;
  p95: number;
  max: number;
}

/** In seconds; null without a sample. */
export function percentilesOf(samplesMs: readonly number[]): Percentiles | null {
  if (samplesMs.length === 0) return null;
  const sorted = [...samplesMs].sort((a, b) => a - b);
  const seconds = (share: number): number => (sorted[Math.ceil(share * sorted.length) - 1] as number) / 1000;
  return { p50: seconds(0.5), p95: seconds(0.95), max: seconds(1) };
}
