import type { BenchDatabase } from '../servers/bench-database';

/**
 * Fills the shared directory with so many leads that search finds by every filter, as an import would have left them but for
 * identities and companies; then ANALYZE. Common values stand for an eighth of the leads, rare ones for a thousandth; both lie
 * evenly. The indexes are made after the rows, which takes a third of the time.
 */
export async function loadDirectory(database: BenchDatabase, count: number): Promise<void> {
  const indexes = await listIndexes(database, ['people', 'people_search']);
  await database.load([
    ...indexes.map(({ name }) => ({ sql: `DROP INDEX ${name}` })),
    { sql: LEADS_SQL, values: [count] },
    { sql: SEARCH_SQL, values: [count] },
    ...indexes.map(({ definition }) => ({ sql: definition })),
  ]);
}

/** The indexes of tables that no constraint needs, to be dropped before a load and made after it. */
export async function listIndexes(
  database: BenchDatabase,
  tables: readonly string[],
): Promise<{ name: string; definition: string }[]> {
  const client = await database.connect();
  const { rows } = await client.query<{ name: string; definition: string }>(
    // Of a partitioned table PostgreSQL says ON ONLY, which would leave the partitions without.
    `SELECT i.indexname AS name, replace(i.indexdef, ' ON ONLY ', ' ON ') AS definition FROM pg_indexes i
      WHERE i.schemaname = 'public' AND i.tablename = ANY($1)
        AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = format('%I', i.indexname)::regclass)`,
    [tables],
  );
  await client.end();
  return rows;
}

/** Values that an eighth of the leads share, by number. */
const WORDS = `
  SELECT i, 'lead' || i AS slug, to_char(i % 1000, 'FM000') AS rare,
    (ARRAY['Ada','Bo','Cem','Dana','Eli','Fay','Gus','Hana'])[1 + i % 8] AS first, 'Byron' || i % 50021 AS last,
    (ARRAY['software engineer','head of sales','product manager','data scientist','account executive','recruiter',
           'designer','vp marketing'])[1 + i / 8 % 8] AS title,
    (ARRAY['senior','entry','manager','vp'])[1 + i % 4] AS seniority,
    (ARRAY['germany','france','brazil','poland','spain','norway','japan','kenya'])[1 + i / 3 % 8] AS country,
    'city' || i % 997 AS city, (ARRAY['go','sql','python','excel'])[1 + i / 5 % 4] AS skill,
    (ARRAY['english','german','spanish','polish'])[1 + i / 7 % 4] AS language,
    (ARRAY['software','banking','retail','media'])[1 + i / 11 % 4] AS industry, i / 5 AS company
  FROM generate_series(1, $1::int) AS i`;

const LEADS_SQL = `
  INSERT INTO people (id, seq, first_name, last_name, full_name, job_title, seniority, city, country, linkedin_url, emails, skills,
    languages, departments, company_name, company_domain, name_domain_hash, name_company_hash, linkedin_hash)
  SELECT gen_random_uuid(), i, first, last, first || ' ' || last, title, seniority, city, country,
    'https://www.linkedin.com/in/' || slug, CASE WHEN i % 5 = 0 THEN ARRAY[slug || '@mail.example'] ELSE '{}' END, ARRAY[skill, 'rare' || rare],
    ARRAY[language], ARRAY['sales'], 'Engine ' || company, 'engine-' || company || '.example',
    sha256(('d' || i)::bytea), sha256(('c' || i)::bytea), sha256(('l' || i)::bytea)
  FROM (${WORDS}) AS w`;

const SEARCH_SQL = `
  INSERT INTO people_search (seq, id, employees_min, employees_max, has_email, words, terms)
  SELECT i, id, i % 1000, i % 1000 + 50, i % 5 = 0,
    (format('''n_%s'':1 ''n_%s'':2 ', lower(first), lower(last))
      || (SELECT string_agg(format('''t_%s'':%s', w, 6 + n), ' ') FROM unnest(string_to_array(title, ' ')) WITH ORDINALITY AS t (w, n))
      || format(' ''c_engine'':20 ''c_%s'':21 ''d_engine'':26 ''d_%s'':27 ''d_example'':28 ''l_%s'':33 ''s_%s'':38 ''s_rare%s'':43',
                company, company, language, skill, rare))::tsvector,
    search_terms(ARRAY['name=' || lower(first || ' ' || last), 'title=' || title, 'seniority=' || seniority, 'department=sales', 'city=' || city,
      'country=' || country, 'skill=' || skill, 'skill=rare' || rare, 'language=' || language, 'social=linkedin',
      'social=linkedin.com/in/' || slug, 'previous=old ' || rare, 'company=engine ' || company,
      'company-domain=engine-' || company || '.example', 'industry=' || industry, 'account-country=' || country])
  FROM (${WORDS}) AS w JOIN (SELECT seq, id FROM people) p ON p.seq = i`;
