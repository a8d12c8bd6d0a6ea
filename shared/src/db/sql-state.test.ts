import { classifyDatabaseError } from './sql-state';

it.each([
  'Connection terminated unexpectedly',
  'ROLLBACK - Connection terminated unexpectedly',
  'BEGIN; - Connection terminated unexpectedly',
  'select 1 - Client was closed and is not queryable',
])('takes a lost connection for unavailable, also where knex names the statement: %s', (message) => {
  expect(classifyDatabaseError(new Error(message))).toBe('unavailable');
});

it('takes an error that it does not know for a defect', () => {
  expect(classifyDatabaseError(new Error('value too long'))).toBe('other');
});
