/** What became of batches while they were waited for, change by change: why a recovery took as long as it did. */
import { query, type Knex } from '@leadwell/shared/db/database';

interface BatchState {
  id: string;
  state: string;
}

const STATES = `
  SELECT b.id,
         format('generation %s, fence %s (%s, lease %s), deliveries %s, %s%s, %s pending', b.generation, b.fence,
           coalesce(split_part(b.leased_by, ':', 2), 'nobody'),
           CASE WHEN b.lease_until IS NULL THEN 'none' WHEN b.lease_until > clock_timestamp() THEN 'live' ELSE 'over' END,
           b.deliveries, CASE WHEN b.queued_at IS NULL THEN 'not queued' ELSE 'queued' END,
           CASE WHEN b.not_before > clock_timestamp() THEN ', to wait' ELSE '' END,
           (SELECT count(*) FROM enrichments e WHERE e.batch_id = b.id AND e.status = 'pending')) AS state
    FROM batches b WHERE b.id = ANY(:batchIds::uuid[])`;

export class BatchStory {
  private readonly last = new Map<string, string>();
  private readonly lines: string[] = [];

  constructor(
    private readonly knex: Knex,
    private readonly sinceMs: number,
    private readonly batchIds: readonly string[],
  ) {}

  /** Notes what has changed since the last look; nothing where PostgreSQL cannot be asked. */
  async look(): Promise<void> {
    const states = await query<BatchState>(this.knex, STATES, { batchIds: this.batchIds }).catch(() => []);
    const seconds = ((Date.now() - this.sinceMs) / 1000).toFixed(1);
    for (const { id, state } of states) {
      if (this.last.get(id) === state) continue;
      this.last.set(id, state);
      this.lines.push(`  ${seconds} s ${id.slice(-6)}: ${state}`);
    }
  }

  tell(): string {
    return this.lines.join('\n');
  }
}
