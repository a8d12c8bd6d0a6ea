import { executePrepared, queryPrepared, type Db } from '../db/database';
import { agreedConfidence, bestFinding, joinFindings, type Finding } from '../domain/agreement';
import type { Candidate, ValueKind } from '../domain/enrichment';

/** A value that an organisation gets for a lead, with where it came from. */
export interface FoundValue extends Candidate {
  orgId: string;
  leadId: string;
  provider: string;
  enrichmentId: string;
  foundAt: Date;
}

/** The findings of a value `v` as stored, also where it was stored before there were any. */
export const FINDINGS_OF_VALUE = `CASE WHEN v.findings <> '[]' THEN v.findings
  ELSE jsonb_build_array(jsonb_build_object('provider', v.provider, 'verdict', v.verdict, 'confidence', v.confidence, 'foundAt', v.found_at)) END`;

/**
 * Stores what organisations found. A value that one has already keeps the time of its first finding, and what each provider
 * said of it: the best speaks, agreement raises the confidence, and said again nothing is counted twice. The caller holds the account
 * locks: what is read here stays true until it is written, and two settles of one organisation never wait for each other.
 */
export async function upsertLeadValues(db: Db, values: readonly FoundValue[]): Promise<void> {
  if (values.length === 0) return;
  const stored = await listStored(db, values);
  const rows = groupValues(values).map((group) => agreedRow(group, stored.get(keyOf(group[0]))));
  await executePrepared(
    db,
    `INSERT INTO lead_values (org_id, lead_id, kind, value, verdict, confidence, line_type, flags, provider, enrichment_id, found_at, findings)
     SELECT v."orgId", v."leadId", v.kind, v.value, v.verdict, v.confidence, v."lineType", v.flags, v.provider, v."enrichmentId",
            v."foundAt", v.findings
       FROM jsonb_to_recordset(:rows::jsonb) AS v ("orgId" uuid, "leadId" uuid, kind text, value text, verdict text, confidence real,
            "lineType" text, flags text[], provider text, "enrichmentId" uuid, "foundAt" timestamptz, findings jsonb)
      ORDER BY v."orgId", v."leadId", v.kind, v.value
     ON CONFLICT (org_id, lead_id, kind, value) DO UPDATE
        SET verdict = excluded.verdict, confidence = excluded.confidence, line_type = excluded.line_type,
            flags = excluded.flags, enrichment_id = excluded.enrichment_id, provider = excluded.provider, findings = excluded.findings`,
    { rows: JSON.stringify(rows) },
  );
}

interface StoredValue {
  orgId: string;
  leadId: string;
  kind: ValueKind;
  value: string;
  lineType: string | null;
  flags: string[];
  findings: Finding[];
}

async function listStored(db: Db, values: readonly FoundValue[]): Promise<Map<string, StoredValue>> {
  const rows = await queryPrepared<StoredValue>(
    db,
    `SELECT v.org_id AS "orgId", v.lead_id AS "leadId", v.kind, v.value, v.line_type AS "lineType", v.flags, ${FINDINGS_OF_VALUE} AS findings
       FROM unnest(:orgIds::uuid[], :leadIds::uuid[], :kinds::text[], :values::text[]) AS w (org_id, lead_id, kind, value)
       JOIN lead_values v ON v.org_id = w.org_id AND v.lead_id = w.lead_id AND v.kind = w.kind AND v.value = w.value`,
    {
      orgIds: values.map(({ orgId }) => orgId),
      leadIds: values.map(({ leadId }) => leadId),
      kinds: values.map(({ kind }) => kind),
      values: values.map(({ value }) => value),
    },
  );
  return new Map(rows.map((row) => [keyOf(row), row]));
}

type ValueGroup = [FoundValue, ...FoundValue[]];

/** The same value of one lead, from one provider or several, together. */
function groupValues(values: readonly FoundValue[]): ValueGroup[] {
  const groups = new Map<string, ValueGroup>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group) group.push(value);
    else groups.set(keyOf(value), [value]);
  }
  return [...groups.values()];
}

function keyOf({
  orgId,
  leadId,
  kind,
  value,
}: Pick<FoundValue, 'orgId' | 'leadId' | 'kind' | 'value'>): string {
  return `${orgId} ${leadId} ${kind} ${value}`;
}

/** A flag stays once anybody has raised it: that a number must not be called is not unsaid by who does not know it. */
function agreedRow(group: ValueGroup, stored: StoredValue | undefined) {
  const [first] = group;
  const findings = joinFindings(stored?.findings ?? [], group.map(toFinding)) as [Finding, ...Finding[]];
  const { provider, verdict } = bestFinding(findings);
  const { orgId, leadId, kind, value, enrichmentId, foundAt } = first;
  return {
    ...{ orgId, leadId, kind, value, enrichmentId, foundAt, provider, verdict, findings },
    confidence: agreedConfidence(findings),
    lineType: group.find(({ lineType }) => lineType !== null)?.lineType ?? stored?.lineType ?? null,
    flags: [...new Set([...(stored?.flags ?? []), ...group.flatMap(({ flags }) => flags)])],
  };
}

function toFinding({ provider, verdict, confidence, foundAt }: FoundValue): Finding {
  return { provider, verdict, confidence, foundAt: foundAt.toISOString() };
}
