import { isUuid } from '@leadwell/shared/domain/ids';
import type { EnrichmentTask } from '@leadwell/shared/repositories/enrichment-queries';
import Joi from 'joi';
import { boundedList } from './bounded-list';
import { uuid } from './id-schemas';

const MAX_TASKS = 200;
const FIELDS: readonly string[] = ['phones', 'emails', 'summary'] satisfies EnrichmentTask['field'][];
const TYPES: readonly string[] = ['person', 'company'] satisfies EnrichmentTask['entityType'][];
const NAMES = new Set(['entityId', 'field', 'entityType']);

const taskSchema = Joi.object({
  entityId: uuid.required(),
  field: Joi.valid(...FIELDS).required(),
  entityType: Joi.valid(...TYPES).default('person'),
});

export const tasksBodySchema = Joi.object({
  tasks: boundedList(taskSchema, 1, MAX_TASKS).required(),
}).required();

/**
 * The tasks of a body that meets tasksBodySchema, as the schema gives them; null where it does not, or where only the schema
 * can tell. By hand: 200 tasks take 0.03 ms of the loop instead of joi's 0.44, an eighth of a poll. A test holds it to the schema.
 */
export function takeTasks(body: unknown): EnrichmentTask[] | null {
  if (!isObject(body) || Object.keys(body).length !== 1 || !Array.isArray(body['tasks'])) return null;
  const given = body['tasks'] as unknown[];
  if (given.length === 0 || given.length > MAX_TASKS) return null;
  const tasks: EnrichmentTask[] = [];
  for (const item of given) {
    const task = takeTask(item);
    if (!task) return null;
    tasks.push(task);
  }
  return tasks;
}

function takeTask(item: unknown): EnrichmentTask | null {
  if (!isObject(item)) return null;
  for (const name of Object.keys(item)) if (!NAMES.has(name)) return null;
  const { entityId, field, entityType = 'person' } = item;
  if (typeof entityId !== 'string' || !isUuid(entityId)) return null;
  if (!FIELDS.includes(field as string) || !TYPES.includes(entityType as string)) return null;
  return { entityId: entityId.toLowerCase(), field, entityType } as EnrichmentTask;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
