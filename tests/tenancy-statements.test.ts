/**
 * The second wall of tenancy: every statement on a tenant's tables names the organisation, or stands in the list below with the
 * reason why it need not. Read from the sources, so that a new statement that forgets it fails here and not at a customer's.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(__dirname, '..');
/** What a call of the API can reach. Workers, relay and CLI work for all organisations. */
const ROOMS = ['api/src', 'shared/src/repositories', 'shared/src/ledger', 'shared/src/settle'];
const TENANT_TABLES =
  /\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:enrichments|lead_values|requests|credit_accounts|credit_transactions|idempotency_keys)\b/i;

interface Statement {
  file: string;
  name: string;
  sql: string;
}

/** By the function that a statement stands in: how it is bound to one organisation without naming it. */
const BOUND_OTHERWISE: Readonly<Record<string, string>> = {
  'shared/src/ledger/audit.ts INVARIANTS': 'counts over all organisations; no call of the API reaches it',
  'shared/src/repositories/cancellation.ts markRequestCancelled':
    'a request that findRequestField found by org_id',
  'shared/src/repositories/erasures.ts listFoundValues': 'erasure: the operator’s, for all organisations',
  'shared/src/repositories/erasures.ts listLeadsNamed': 'erasure: the operator’s, for all organisations',
  'shared/src/repositories/erasures.ts lockPendingOf': 'erasure: the operator’s, for all organisations',
  'shared/src/repositories/old-data.ts countOpenWork':
    'the operator’s, for all organisations; no call of the API reaches it',
};

function listStatements(): Statement[] {
  return ROOMS.flatMap((room) =>
    readdirSync(path.join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .flatMap((file) => statementsOf(path.posix.join(room, file))),
  );
}

function statementsOf(file: string): Statement[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return [
    ...text.matchAll(
      /`\s*((?:SELECT|INSERT|UPDATE|DELETE|WITH)\b[^`]*)`|'((?:SELECT|INSERT|UPDATE|DELETE) [^']*)'/g,
    ),
  ]
    .map((match) => ({ file, name: nameAt(text, match.index), sql: match[1] ?? match[2] ?? '' }))
    .filter(({ sql }) => TENANT_TABLES.test(sql));
}

/** The function or constant that begins last before a place. */
function nameAt(text: string, at: number): string {
  const names = [...text.slice(0, at).matchAll(/^(?:export )?(?:async )?(?:function\*? |const )(\w+)/gm)];
  return names.at(-1)?.[1] ?? '';
}

describe('the statements on tables of organisations', () => {
  const statements = listStatements();
  const unbound = statements.filter(({ sql }) => !/\borg_id\b/.test(sql));

  it('are found', () => {
    expect(statements.length).toBeGreaterThan(30);
  });

  it('name the organisation, but for those that are bound to it otherwise', () => {
    const names = [...new Set(unbound.map(({ file, name }) => `${file} ${name}`))].sort();
    expect(names).toEqual(Object.keys(BOUND_OTHERWISE).sort());
  });
});
