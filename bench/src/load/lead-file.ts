import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';

const HEADER =
  'first_name,last_name,title,seniority,city,country,linkedin_url,email,company,company_domain,industry,employees,skills,department\n';
const TITLES = [
  'Software Engineer',
  'Head of Sales',
  'VP Marketing',
  'Product Manager',
  'Data Scientist',
  'CTO',
];
const PLACES = [
  'Berlin,Germany',
  'Paris,France',
  'São Paulo,Brazil',
  'Warsaw,Poland',
  'Austin,United States',
];
const SKILLS = ['Go', 'Python', 'SQL', 'Negotiation', 'Kubernetes', 'Excel', 'Design', 'Statistics'];
const LINES_AT_ONCE = 1000;

/** Writes a CSV file of so many leads, each another person, five to a company, as an export has them. */
export async function writeLeadFile(path: string, leads: number): Promise<void> {
  const file = createWriteStream(path);
  file.write(HEADER);
  for (let from = 0; from < leads; from += LINES_AT_ONCE) {
    const count = Math.min(LINES_AT_ONCE, leads - from);
    const lines = Array.from({ length: count }, (_, i) => lineOf(from + i));
    if (!file.write(lines.join(''))) await once(file, 'drain');
  }
  file.end();
  await finished(file);
}

function lineOf(i: number): string {
  const company = Math.floor(i / 5);
  const pick = (values: readonly string[], by = 0): string => values[(i + by) % values.length] ?? '';
  return [
    `Ada${i % 977},Byron${i},${pick(TITLES)},${pick(['Senior', 'VP', 'Entry', 'Manager'])},${pick(PLACES)}`,
    `https://www.linkedin.com/in/ada-${i},ada${i}@engine-${company}.example,Engine ${company},engine-${company}.example`,
    `${['Software', 'Banking', 'Retail'][company % 3]},51-200,${pick(SKILLS)};${pick(SKILLS, 3)};${pick(SKILLS, 5)}`,
    `${pick(['Sales', 'Engineering'])}\n`,
  ].join(',');
}
