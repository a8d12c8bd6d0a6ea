import fc from 'fast-check';
import { takeTasks, tasksBodySchema } from './task-list';

const ID = '0190f4d2-7a3b-7c1d-8e2f-0123456789ab';
const part = <T>(...values: T[]) => fc.constantFrom(...values);
const task = fc.record(
  {
    entityId: part<unknown>(ID, ID.toUpperCase(), '', 'x', 7, null, `{${ID}}`),
    field: part<unknown>('emails', 'phones', 'summary', 'Emails', null, 1),
    entityType: part<unknown>('person', 'company', undefined, 'lead', null),
    extra: part<unknown>(1, undefined),
  },
  { requiredKeys: ['entityId'] },
);
const body = fc.oneof(
  fc.record({ tasks: fc.array(fc.oneof({ weight: 5, arbitrary: task }, part<unknown>(null, [], 1, 'x'))) }),
  fc.record({ tasks: fc.constant([{ entityId: ID, field: 'emails' }]), more: fc.constant(1) }),
  part<unknown>(
    null,
    [],
    'x',
    {},
    { tasks: {} },
    { tasks: Array(201).fill({ entityId: ID, field: 'emails' }) },
  ),
);

it('takes no body that its schema refuses, and as the schema gives it', () => {
  fc.assert(
    fc.property(body, (given) => {
      const taken = takeTasks(given);
      if (taken === null) return;
      const checked = tasksBodySchema.validate(given, { convert: false });
      expect(checked.error).toBeUndefined();
      expect(checked.value).toEqual({ tasks: taken });
    }),
  );
});

it('takes what clients send, without the schema', () => {
  const tasks = [
    { entityId: ID.toUpperCase(), field: 'emails' },
    { entityId: ID, field: 'phones', entityType: 'company' },
  ];
  expect(takeTasks({ tasks })).toEqual([
    { entityId: ID, field: 'emails', entityType: 'person' },
    { entityId: ID, field: 'phones', entityType: 'company' },
  ]);
});
