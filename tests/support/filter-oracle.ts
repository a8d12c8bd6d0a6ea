/** A plain evaluator of filters over leads in memory: what the SQL is compared with. Slow and obvious; shares only the folding. */
import type { Filters, Groups, ListFilter, TextFilter } from '@leadwell/api/search/filters';
import { foldText, foldValue } from '@leadwell/shared/domain/text-folding';

export interface OracleLead {
  fullName: string;
  jobTitle: string;
  seniority: string;
  city: string;
  country: string;
  departments: string[];
  functions: string[];
  skills: string[];
  languages: string[];
  previousCompanies: string[];
  emails: string[];
  company: {
    name: string;
    domain: string;
    industry: string;
    city: string;
    country: string;
    employeesMin: number | null;
    employeesMax: number | null;
  };
}

export function isMatch(lead: OracleLead, { contact = {}, account = {} }: Filters): boolean {
  const { company } = lead;
  const size = account.employeeSize?.range ?? {};
  return (
    text([[lead.fullName]], contact.fullName) &&
    text([[lead.jobTitle]], contact.jobTitle) &&
    list([lead.seniority], contact.seniority) &&
    list([...lead.departments, ...lead.functions], contact.departmentAndFunction) &&
    list([lead.city, lead.country], contact.location) &&
    list([company.name], contact.company?.current) &&
    list(lead.previousCompanies, contact.company?.previous) &&
    text([lead.skills], contact.skill) &&
    text([lead.languages], contact.language) &&
    text([[lead.fullName], [lead.jobTitle], lead.skills, [company.name]], contact.keyword) &&
    (contact.hasEmail === undefined || contact.hasEmail === lead.emails.length > 0) &&
    text([[company.name], [company.domain]], account.nameOrDomain) &&
    list([company.industry], account.industry) &&
    list([company.city, company.country], account.location) &&
    overlaps(company, size.start, size.end)
  );
}

function overlaps(company: OracleLead['company'], start?: number, end?: number): boolean {
  if (start === undefined && end === undefined) return true;
  if (company.employeesMin === null) return false;
  return company.employeesMin <= (end ?? Infinity) && (company.employeesMax ?? Infinity) >= (start ?? 0);
}

function list(values: string[], filter: ListFilter | undefined): boolean {
  return groups(filter, (wanted) =>
    wanted.map(
      (value) => foldValue(value) !== '' && values.some((own) => foldValue(own) === foldValue(value)),
    ),
  );
}

function text(fields: string[][], filter: TextFilter | undefined): boolean {
  return groups(filter, ({ mode = 'SMART', content = [] }) =>
    content.map((value) => {
      if (mode === 'STRICT')
        return foldValue(value) !== '' && fields.flat().some((own) => foldValue(own) === foldValue(value));
      if (wordsOf(value).length === 0) return false;
      const elements = fields.flat().map(wordsOf);
      if (mode === 'WORD') return elements.some((own) => hasPhrase(own, wordsOf(value), false));
      const runs = foldText(value).match(/[\p{L}\p{N}]+/gu) ?? [];
      return runs.every((run) => elements.some((own) => hasPhrase(own, wordsOf(run), true)));
    }),
  );
}

function groups<List>(filter: Groups<List> | undefined, test: (list: List) => boolean[]): boolean {
  const hits = (wanted: List | undefined): boolean[] => (wanted === undefined ? [] : test(wanted));
  const [allIn, allOut] = [hits(filter?.all?.include), hits(filter?.all?.exclude)];
  const [anyIn, anyOut] = [hits(filter?.any?.include), hits(filter?.any?.exclude)];
  return (
    allIn.every(Boolean) &&
    (anyIn.length === 0 || anyIn.some(Boolean)) &&
    !(allOut.length > 0 && allOut.every(Boolean)) &&
    !anyOut.some(Boolean)
  );
}

function hasPhrase(words: string[], phrase: string[], isPrefix: boolean): boolean {
  return words.some((_, at) =>
    phrase.every((wanted, i) => {
      const word = words[at + i];
      return isPrefix && i === phrase.length - 1 ? !!word?.startsWith(wanted) : word === wanted;
    }),
  );
}

function wordsOf(value: string): string[] {
  const words: string[] = [];
  let open = false;
  for (const character of foldText(value)) {
    if (/[\u3040-\u30ff\u4e00-\u9fff]/.test(character)) {
      words.push(character);
      open = false;
    } else if (/[\p{L}\p{N}]/u.test(character)) {
      if (open) words.push(words.pop() + character);
      else words.push(character);
      open = true;
    } else open = false;
  }
  return words;
}
