import { withDeadline } from '@leadwell/shared/queue/deadline';
import type { Logger } from 'pino';

/** Tells the relay that an organisation has new batches. */
export interface Publisher {
  publish(orgId: string): Promise<void>;
}

const PUBLISH_LIMIT_MS = 3_000;

/** Publishes without anybody waiting. A failure is logged and nothing else: the batches are due, and the relay's next check finds them. */
export function publishSoon(deps: { publisher: Publisher; logger: Logger }, orgId: string): void {
  const published = Promise.resolve().then(() => deps.publisher.publish(orgId));
  withDeadline(published, PUBLISH_LIMIT_MS, 'publishing new batches').catch((error: unknown) => {
    deps.logger.warn({ err: error, orgId }, 'new batches could not be published; the next check finds them');
  });
}
