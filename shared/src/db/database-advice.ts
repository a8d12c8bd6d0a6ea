import { classifyDatabaseError } from './sql-state';

/** PostgreSQL's codes that an operator meets, and what to do. */
const ADVICE: Readonly<Record<string, string>> = {
  '28000': 'The database refuses this user; correct DATABASE_URL.',
  '28P01': 'The database refuses this user or password; correct DATABASE_URL.',
  '3D000': 'The database named in DATABASE_URL does not exist; create it, then run `npm run migrate`.',
  '42501': 'The database user lacks a right; let the owner of the tables be the user in DATABASE_URL.',
  '42P01': 'The database lacks a table; run `npm run migrate`.',
  '42703': 'The database lacks a column; run `npm run migrate`.',
  '53100': 'The database’s disk is full; make room, then try again.',
  '53300': 'The database has no connection left; raise its max_connections, or run fewer processes.',
  '55P03':
    'Another transaction holds a table for too long; try again, or end it (pg_stat_activity shows it).',
};

/** What an operator is to do about an error of the database, a sentence without secret; undefined: it is a defect. */
export function adviseOnDatabaseError(error: unknown): string | undefined {
  const advice = ADVICE[(error as { code?: string } | null)?.code ?? ''];
  if (advice !== undefined) return advice;
  return classifyDatabaseError(error) === 'unavailable'
    ? 'The database cannot be reached or is overloaded; check that it runs and that DATABASE_URL is right, then try again.'
    : undefined;
}
