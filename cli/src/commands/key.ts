import { API_KEY_SCOPES, type ApiKeyScope } from '@leadwell/shared/domain/api-key';
import * as organisations from '@leadwell/shared/repositories/organisations-admin';
import type { Command } from 'commander';
import { readExpiry, readId, readName, readScopes } from '../arguments';
import { CliError } from '../errors';
import { formatTable, writeResult, type OutputOptions } from '../output';
import { requireOrganisation } from '../require-organisation';
import { withDatabase } from '../with-database';

const MAX_LISTED_KEYS = 10_000;

interface CreateOptions extends OutputOptions {
  org: string;
  user: string;
  scopes?: ApiKeyScope[];
  expires?: Date;
}

/** `key create`, `key list`, `key revoke`. */
export function addKeyCommands(program: Command): void {
  const key = program.command('key').description('API keys');
  key
    .command('create')
    .description('create an API key')
    .requiredOption('--org <id>', 'whose key', readId)
    .option('--user <name>', 'who uses it; shown as createdBy', readName, 'owner')
    .option('--scopes <list>', `any of ${API_KEY_SCOPES.join(',')} (default: all)`, readScopes)
    .option('--expires <time>', 'ISO 8601, or a span such as 90d (default: never)', readExpiry)
    .option('--json', 'print the result as JSON, on the last line')
    .action(createKey);
  key
    .command('list')
    .description('list API keys; the keys themselves are stored nowhere')
    .option('--org <id>', 'of one organisation (default: all)', readId)
    .option('--json', 'print the result as JSON, on the last line')
    .action(listKeys);
  key
    .command('revoke')
    .description('make an API key useless, at once and for good')
    .argument('<keyId>', 'as printed by key create and key list', readId)
    .option('--json', 'print the result as JSON, on the last line')
    .action(revokeKey);
}

async function createKey(options: CreateOptions): Promise<void> {
  const issued = await withDatabase(async (knex) => {
    await requireOrganisation(knex, options.org);
    return organisations.insertApiKey(knex, {
      orgId: options.org,
      userName: options.user,
      scopes: options.scopes ?? API_KEY_SCOPES,
      expiresAt: options.expires ?? null,
    });
  });
  writeResult(
    options,
    issued,
    `Key id   ${issued.keyId}\nAPI key  ${issued.apiKey}\nThe key is shown only now: keep it.`,
  );
}

async function listKeys(options: OutputOptions & { org?: string }): Promise<void> {
  const keys = await withDatabase(async (knex) => {
    if (options.org !== undefined) await requireOrganisation(knex, options.org);
    return organisations.listApiKeys(knex, options.org ?? null, MAX_LISTED_KEYS);
  });
  const rows = keys.map((key) => [
    key.keyId,
    key.orgId,
    key.userName,
    `${key.prefix}…`,
    key.scopes.join(','),
    stateOf(key),
  ]);
  const headings = ['KEY ID', 'ORGANISATION', 'USER', 'KEY', 'SCOPES', 'STATE'];
  writeResult(options, { keys }, rows.length > 0 ? formatTable(headings, rows) : 'There are no keys.');
}

function stateOf({ revokedAt, expiresAt }: organisations.ListedKey): string {
  if (revokedAt) return `revoked ${revokedAt.toISOString()}`;
  if (!expiresAt) return 'valid';
  return `${expiresAt.getTime() <= Date.now() ? 'expired' : 'valid until'} ${expiresAt.toISOString()}`;
}

async function revokeKey(keyId: string, options: OutputOptions): Promise<void> {
  const revokedAt = await withDatabase((knex) => organisations.revokeApiKey(knex, keyId));
  if (!revokedAt) throw new CliError(`There is no key ${keyId}; \`npm run cli -- key list\` shows all.`);
  writeResult(options, { keyId, revokedAt }, `Revoked ${keyId}.`);
}
