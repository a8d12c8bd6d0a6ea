import { gatherPublishes } from './gather-publishes';

/** A relay whose steps end when the test says so. */
function createStandingRelay() {
  const steps: { orgIds: string[]; end: () => void; fail: (error: Error) => void }[] = [];
  const publish = (...orgIds: string[]): Promise<void> =>
    new Promise((end, fail) => steps.push({ orgIds, end, fail }));
  return { steps, publisher: gatherPublishes({ publish }) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('publishes who comes alone at once, and who comes meanwhile together in one step behind it', async () => {
  const { steps, publisher } = createStandingRelay();
  const first = publisher.publish('a');
  await turn();
  const others = ['b', 'a', 'b'].map((orgId) => publisher.publish(orgId));
  await turn();
  expect(steps.map(({ orgIds }) => orgIds)).toEqual([['a']]);
  steps[0]?.end();
  await first;
  await turn();
  expect(steps.map(({ orgIds }) => orgIds)).toEqual([['a'], ['b', 'a']]);
  const last = publisher.publish('b');
  steps[1]?.end();
  await Promise.all(others);
  await turn();
  expect(steps.at(-1)?.orgIds).toEqual(['b']);
  steps[2]?.end();
  await last;
});

it('tells those of a step that failed, and nobody else', async () => {
  const { steps, publisher } = createStandingRelay();
  const failing = publisher.publish('a');
  await turn();
  const behind = publisher.publish('b');
  steps[0]?.fail(new Error('down'));
  await expect(failing).rejects.toThrow('down');
  await turn();
  expect(steps[1]?.orgIds).toEqual(['b']);
  steps[1]?.end();
  await behind;
});
