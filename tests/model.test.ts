/**
 * Whatever happens in whatever order, the service does what a model of it in memory does: see tests/model/ and
 * docs/adr/0021. A short form here, of one seed: what is red here was made so by the change at hand.
 * `npm run model -- --runs 10000` looks for more, from the seed of the time, and `--seed` runs the same again.
 */
import { runModel } from './model/run';

const LONG = process.env['MODEL_RUNS'];
const RUNS = Number(LONG ?? 25);
const SEED = Number(process.env['MODEL_SEED'] ?? (LONG === undefined ? 1 : Date.now() % 1_000_000_000));

jest.setTimeout(90_000 + RUNS * 2_000);

it('does what the model does, in every order of orders, work, deaths, losses and time', async () => {
  process.stdout.write(`model: --seed ${SEED} --runs ${RUNS}\n`);
  const report = await runModel({ seed: SEED, sequences: RUNS, lanes: 4 });
  process.stdout.write(`${JSON.stringify(report)}\n`);
  expect(report.commands).toBeGreaterThan(RUNS * 10);
});
