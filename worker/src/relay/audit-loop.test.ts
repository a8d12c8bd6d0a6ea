import { execute } from '@leadwell/shared/db/database';
import { auditInTurn } from '@leadwell/shared/ledger/audit';
import type { Logger } from '@leadwell/shared/runtime/logger';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { readBalance, seedOrganisation } from '@leadwell/shared/testing/seed';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import { startAuditLoop, type AuditLoop } from './audit-loop';

interface Line {
  level: string;
  fields: Record<string, unknown>;
  text: string;
}

const AUDIT_LOCK = `hashtext('leadwell audit')`;

describe('the audit loop', () => {
  let database: TestDatabase;
  let loop: AuditLoop | undefined;
  let lines: Line[];

  beforeEach(async () => {
    lines = [];
    database = await createTestDatabase();
  });
  afterEach(async () => {
    await loop?.stop();
    await database.drop();
  });

  function start(everyMs = 20): AuditLoop {
    const at = (level: string) => (fields: Record<string, unknown>, text: string) =>
      void lines.push({ level, fields, text });
    const logger = { info: at('info'), warn: at('warn'), error: at('error') } as unknown as Logger;
    loop = startAuditLoop({ knex: database.knex, everyMs, logger, firstAfterMs: 0 });
    return loop;
  }

  it('says at every turn that everything adds up', async () => {
    await seedOrganisation(database.knex, 100);
    start();
    await waitUntil(() => lines.length >= 3);
    expect(new Set(lines.map(({ level, text }) => `${level} ${text}`))).toEqual(
      new Set(['info audit: everything adds up']),
    );
  });

  it('logs a violated invariant as an error with its name and count, and corrects nothing', async () => {
    const orgIds = [await seedOrganisation(database.knex, 100), await seedOrganisation(database.knex, 7)];
    await execute(database.knex, 'UPDATE credit_accounts SET balance = balance + 1');
    start();
    await waitUntil(() => lines.length >= 2);
    expect(lines[0]).toMatchObject({
      level: 'error',
      fields: { invariant: 'balance_equals_transactions', violations: 2 },
    });
    expect(await Promise.all(orgIds.map((orgId) => readBalance(database.knex, orgId)))).toEqual([101, 8]);
  });

  it('never runs beside another audit on schedule, of whatever process', async () => {
    await database.knex.transaction(async (other) => {
      await execute(other, `SELECT pg_advisory_xact_lock(${AUDIT_LOCK})`);
      expect(await auditInTurn(database.knex, 60_000, new AbortController().signal)).toBeNull();
    });
    expect(await auditInTurn(database.knex, 60_000, new AbortController().signal)).toMatchObject({
      ok: true,
    });
  });

  it('stops at once while an audit is held up, and leaves its connection whole', async () => {
    await database.knex.transaction(async (other) => {
      await execute(other, 'LOCK TABLE enrichments IN ACCESS EXCLUSIVE MODE');
      const stuck = start();
      await waitUntil(async () => {
        // Not in the transaction that locks: it would look at the state of its first look again.
        const waiting = await execute(
          database.knex,
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return waiting > 0;
      });
      await stuck.stop();
    });
    expect(lines).toEqual([]);
    expect(await execute(database.knex, 'SELECT 1 FROM enrichments')).toBe(0);
  });

  it('gives an audit up after its limit, and tries again at the next turn', async () => {
    await database.knex.transaction(async (other) => {
      await execute(other, 'LOCK TABLE enrichments IN ACCESS EXCLUSIVE MODE');
      await expect(auditInTurn(database.knex, 200, new AbortController().signal)).rejects.toThrow(/timeout/);
    });
    start();
    await waitUntil(() => lines.length >= 1);
    expect(lines[0]?.level).toBe('info');
  });

  it('never audits where the interval is 0', async () => {
    await start(0).stop();
    expect(lines).toEqual([]);
  });
});
