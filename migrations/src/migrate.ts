import type { Knex } from 'knex';
import { MIGRATION_NAMES, readMigrationSql } from './migration-list';

const TABLE = 'schema_migrations';

/** Brings the schema to the newest version. Safe to run from several processes at once: knex locks. Returns the names applied. */
export async function migrateUp(knex: Knex): Promise<string[]> {
  const [, applied] = (await knex.migrate.latest(migrationConfig())) as [number, string[]];
  return applied;
}

/** Takes every migration back. All data is gone afterwards. */
export async function migrateDown(knex: Knex): Promise<void> {
  await knex.migrate.rollback(migrationConfig(), true);
}

/** The names of the migrations that the database lacks. */
export async function listPendingMigrations(knex: Knex): Promise<string[]> {
  const [, pending] = (await knex.migrate.list(migrationConfig())) as [unknown[], { file: string }[]];
  return pending.map((migration) => migration.file);
}

/** The names of migrations in the database that this code does not know: a newer version made them. */
export async function listUnknownMigrations(knex: Knex): Promise<string[]> {
  if (!(await knex.schema.hasTable(TABLE))) return [];
  const applied = await knex(TABLE).orderBy('id').pluck<string[]>('name');
  return applied.filter((name) => !(MIGRATION_NAMES as readonly string[]).includes(name));
}

function migrationConfig(): Knex.MigratorConfig {
  return {
    tableName: TABLE,
    migrationSource: {
      getMigrations: () => Promise.resolve([...MIGRATION_NAMES]),
      getMigrationName: (name: string) => name,
      getMigration: (name: string) =>
        Promise.resolve({
          up: (trx: Knex) => trx.raw(escapeBindings(readMigrationSql(name, 'up'))),
          down: (trx: Knex) => trx.raw(escapeBindings(readMigrationSql(name, 'down'))),
        }),
    },
  };
}

/** knex reads `?` as a binding; in a migration it is only ever a character. */
function escapeBindings(sql: string): string {
  return sql.replaceAll('?', '\\?');
}
