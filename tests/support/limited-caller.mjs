/** A process that calls one provider through the limiter until it is killed. Argument: JSON, see provider-limits.test.ts. */
import { createCaller } from '@leadwell/worker/calls/call-provider';
import { createBreakers } from '@leadwell/worker/limits/breaker';
import { createLimiter } from '@leadwell/worker/limits/limiter';
import { openDatabase } from '@leadwell/shared/db/database';
import pino from 'pino';

const { url, provider, loops, records } = JSON.parse(process.argv[2]);
const logger = pino({ level: 'silent' });
const knex = openDatabase({ url, poolSize: 4, applicationName: 'limited-caller' });
const breakers = createBreakers({ knex, logger });
const limiter = createLimiter({ knex, logger, breakers });
const caller = createCaller({ breakers, logger });
const exchange = {
  // Built when it may leave, and sent at once: the clock is one for all processes of a machine.
  build: () => ({
    method: 'POST',
    path: '/find',
    headers: { 'x-leaves-ms': String(Number(process.hrtime.bigint()) / 1e6) },
    body: {},
  }),
  read: () => ({ kind: 'answers', answers: new Map() }),
};
const { signal } = new AbortController();

async function loop() {
  for (;;) {
    const reservation = await limiter.reserve(provider, records, signal);
    if (!reservation.granted) continue;
    // What a worker writes between the reservation and the call.
    await knex.raw('SELECT pg_sleep(0.01)');
    await caller.call(provider, exchange, reservation, signal);
  }
}
for (let i = 0; i < loops; i++) void loop();
