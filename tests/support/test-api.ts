import type { Server } from 'node:http';
import { composeApi } from '@leadwell/api/compose';
import { closeServer, createApiServer, listen } from '@leadwell/api/http/server';
import { loadWaterfall } from '@leadwell/providers/provider-settings';
import type { Waterfall } from '@leadwell/providers/provider';
import { loadConfig } from '@leadwell/shared/config/config';
import { openDatabase, type Knex } from '@leadwell/shared/db/database';
import { openBatchQueues, queueLocation, type BatchQueues } from '@leadwell/shared/queue/batch-queues';
import { createLogger } from '@leadwell/shared/runtime/logger';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';

export interface CallOptions {
  key?: string;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is. */
  text?: string;
  headers?: Record<string, string>;
}

export interface Answer<T> {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body; undefined where it is no JSON. */
  json: T;
}

export interface ErrorBody {
  error: {
    code: string;
    message: string;
    details: Record<string, unknown>[];
    requestId: string;
  };
}

/** The 13 fields, as they travel. */
export interface EnrichmentBody {
  id: string;
  createdAt: string;
  updatedAt: string;
  entityId: string;
  entityType: string;
  field: string;
  status: string;
  error: string | null;
  dataFound: boolean | null;
  createdBy: string;
  orgId: string;
  globalEnrichmentId: string | null;
  creditTransactionId: string | null;
}

export interface TestApi {
  url: string;
  databaseUrl: string;
  server: Server;
  /** The test's own pool, not the API's. */
  knex: Knex;
  waterfall: Waterfall;
  queues: BatchQueues;
  /** The organisations that the relay was told of. */
  published: string[];
  call<T>(method: string, path: string, options?: CallOptions): Promise<Answer<T>>;
  close(): Promise<void>;
}

/**
 * The real API on a real server and a database of its own, on a free port. `env` overrides settings; the publisher only notes.
 * With `sharedUrl` it is one more process of the deployment whose database that is.
 */
export async function startTestApi(
  env: Record<string, string> = {},
  publish: (orgId: string) => Promise<void> = () => Promise.resolve(),
  sharedUrl?: string,
): Promise<TestApi> {
  const database = sharedUrl === undefined ? await createTestDatabase() : shareDatabase(sharedUrl);
  const config = loadConfig({
    DATABASE_URL: database.url,
    ALLOW_SANDBOX: 'true',
    LOG_LEVEL: 'silent',
    ...env,
  });
  const waterfall = loadWaterfall(config, {});
  const published: string[] = [];
  const publisher = {
    publish: (orgId: string) => {
      published.push(orgId);
      return publish(orgId);
    },
  };
  const logger = createLogger({ level: config.logLevel, name: 'api' });
  const knex = openDatabase({
    url: database.url,
    poolSize: config.databasePoolSize,
    applicationName: 'test-api',
  });
  const queues = openBatchQueues(queueLocation(config, database.url), () => undefined);
  const server = createApiServer(composeApi({ config, knex, publisher, queues, waterfall, logger }));
  const port = await listen(server, 0, '127.0.0.1');
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    databaseUrl: database.url,
    server,
    knex: database.knex,
    waterfall,
    queues,
    published,
    call: (method, path, options) => callApi(url, method, path, options),
    async close() {
      await closeServer(server, 5_000);
      await queues.close();
      await knex.destroy();
      await database.drop();
    },
  };
}

function shareDatabase(url: string): TestDatabase {
  const knex = openDatabase({ url, poolSize: 2, applicationName: 'test' });
  return { url, knex, drop: () => knex.destroy() };
}

/** One call to an API. */
export async function callApi<T>(
  url: string,
  method: string,
  path: string,
  { key, body, text, headers }: CallOptions = {},
): Promise<Answer<T>> {
  const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(sent !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(sent !== undefined && { body: sent }),
  });
  const received = await response.text();
  return { status: response.status, headers: response.headers, text: received, json: parse(received) as T };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
