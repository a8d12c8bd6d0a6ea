import type { AcceptedRequest, Field, RequestProgress, ResultLine } from './api-client';
import { textTable } from './text-table';

export interface FieldOutcome {
  accepted: AcceptedRequest;
  progress: RequestProgress;
  results: ResultLine[];
}

const SHOWN_LEADS = 10;

/** What became of each field: rows and credits. */
export function outcomeTable(outcomes: readonly FieldOutcome[]): string {
  const headings = ['field', 'selected', 'charged', 'found', 'not found', 'failed', 'refunded'];
  const rows = outcomes.map(({ accepted, progress }) => [
    accepted.field,
    accepted.selected,
    accepted.charged,
    progress.found,
    progress.notFound,
    progress.failed + progress.timeout + progress.cancelled,
    progress.creditsRefunded,
  ]);
  return textTable(headings, rows);
}

/** Some of the leads with what was found for them, those with both fields first. */
export function leadTable(outcomes: readonly FieldOutcome[]): string {
  const leads = new Map<string, ShownLead>();
  for (const { accepted, results } of outcomes) {
    for (const line of results) addResult(leads, accepted.field, line);
  }
  const countFound = (lead: ShownLead): number => Number(Boolean(lead.emails)) + Number(Boolean(lead.phones));
  const rows = [...leads.values()]
    .sort((a, b) => countFound(b) - countFound(a))
    .slice(0, SHOWN_LEADS)
    .map(({ name, emails, phones }) => [name, ...cells(emails), ...cells(phones)]);
  return textTable(['lead', 'e-mail', 'verdict', 'found by', 'phone', 'verdict', 'found by'], rows);
}

/** The first value of each field. */
type ShownLead = { name: string } & Partial<Record<Field, ResultLine>>;

function addResult(leads: Map<string, ShownLead>, field: Field, line: ResultLine): void {
  const lead = leads.get(line.leadId) ?? { name: line.name };
  if (line.value !== null) lead[field] ??= line;
  leads.set(line.leadId, lead);
}

function cells(line: ResultLine | undefined): string[] {
  return line ? [line.value ?? '', line.verdict ?? '', line.provider ?? ''] : ['–', '', ''];
}

/** Where to go from here. */
export function nextSteps(): string {
  const rows = [
    ['npm start', 'the same, staying up: API on loopback, a key, curl lines to paste'],
    ['npm test', 'every guarantee, on real servers'],
    ['npm run cli -- --help', 'organisations, keys, credits, imports, the audit'],
    ['README.md', 'what it does, how it is configured and run in production'],
  ];
  return textTable(['command', 'what'], rows, 80);
}
