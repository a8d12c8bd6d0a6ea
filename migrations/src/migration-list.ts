import { readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * The migrations, in order. The list is explicit and the names carry no extension: knex would otherwise store
 * `.ts` in tests and `.js` in production, and call the same database corrupt.
 */
export const MIGRATION_NAMES = ['0001_initial'] as const;

/** The SQL of one migration, in one direction. */
export function readMigrationSql(name: string, direction: 'up' | 'down'): string {
  return readFileSync(path.join(__dirname, '..', 'sql', `${name}.${direction}.sql`), 'utf8');
}
