import type { Db } from '@leadwell/shared/db/database';
import { getMonthsState } from '@leadwell/shared/repositories/months';
import { note, ok, wrong, type Finding } from './finding';

/** Whether the months that will be needed are there, and nothing lies outside them. */
export async function checkMonths(db: Db): Promise<Finding> {
  const { monthsAhead, strayRows } = await getMonthsState(db);
  const strays = Object.entries(strayRows).filter(([, count]) => count > 0);
  if (strays.length > 0)
    return note(
      'months',
      `${strays.map(([table, count]) => `${count} rows of ${table}`).join(', ')} lie in no month: it was not there, or a clock was wrong.`,
      'Nothing is lost. `npm run migrate`, or a worker within the hour, makes months that have begun; later ones when they come.',
    );
  return monthsAhead > 1
    ? ok('months', `The next ${monthsAhead - 1} months are there.`)
    : wrong(
        'months',
        'The next month is not there: what is accepted then lies beside it until somebody makes it.',
        'Run `npm run migrate`, and read the workers’ logs for "tables could not be tidied".',
      );
}
