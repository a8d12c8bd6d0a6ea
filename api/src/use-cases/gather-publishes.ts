import type { Relay } from '@leadwell/shared/relay/relay';
import type { Publisher } from './publish-soon';

/**
 * A publisher that takes one step of the relay at a time: organisations that come while one is under way share the next, which begins
 * when that one has ended, however it did. Alone, an organisation is published at once. Each promise is that of a step that began after it came.
 *
 * A claim, a raise and BullMQ's insert for every single order took PostgreSQL as long as accepting it, with the queue there.
 */
export function gatherPublishes(relay: Pick<Relay, 'publish'>): Publisher {
  let underWay: Promise<unknown> = Promise.resolve();
  let next: { orgIds: Set<string>; published: Promise<void> } | undefined;

  function planNext(): NonNullable<typeof next> {
    const orgIds = new Set<string>();
    const publish = (): Promise<void> => {
      next = undefined;
      return relay.publish(...orgIds);
    };
    const published = underWay.then(publish, publish);
    underWay = published;
    return { orgIds, published };
  }

  return {
    publish(orgId) {
      next ??= planNext();
      next.orgIds.add(orgId);
      return next.published;
    },
  };
}
