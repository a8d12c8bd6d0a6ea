import { FieldFault } from './field-fault';
import * as values from './field-values';
import { readFormula } from './formula-cell';
import { LEAD_FIELDS, type LeadField } from './lead-fields';
import type { CompanyRow, LeadRow, ReadRow } from './lead-row';

/** What one column or property of a row says, not yet read. */
export interface RawField {
  field: LeadField;
  /** As the file writes it, for messages. */
  column: string;
  /** One text of a CSV cell, or the elements of a JSON array. */
  texts: string[];
}

/**
 * The lead that a row describes, or why it cannot be imported: the first field that cannot be read, or nothing to know
 * the person by. Null for a row without any content.
 */
export function buildLead(line: number, fields: readonly RawField[]): ReadRow | null {
  const row = new RowValues();
  for (const raw of fields) {
    try {
      row.read(raw);
    } catch (error) {
      if (!(error instanceof FieldFault)) throw error;
      return { rejection: { line, column: raw.column, message: `${raw.column} ${error.message}` } };
    }
  }
  if (row.isBlank()) return null;
  const lead = row.toLead(line);
  return isIdentifiable(lead) ? { lead } : { rejection: { line, column: null, message: UNKNOWN_PERSON } };
}

const UNKNOWN_PERSON =
  'The row names nobody: give a LinkedIn profile, an e-mail address, or a name with a company or its domain.';

/** Whether something in the row tells this person from others. */
function isIdentifiable(lead: LeadRow): boolean {
  if (lead.linkedinUrl !== null || lead.emails.length > 0) return true;
  const hasName = (lead.fullName ?? lead.firstName ?? lead.lastName) !== null;
  return hasName && (lead.company.name !== null || lead.company.domain !== null);
}

/** Collects what a row's fields say. Of two columns for one field, the first that is filled counts; lists are joined. */
class RowValues {
  private readonly texts = new Map<LeadField, string>();
  private readonly lists = new Map<LeadField, string[]>();
  private readonly numbers = new Map<LeadField, number>();

  read({ field, texts: cells }: RawField): void {
    const kind = LEAD_FIELDS[field];
    const texts = cells.map((cell) => readFormula(cell, kind));
    switch (kind) {
      case 'list':
        return this.addList(field, values.readList(texts));
      case 'email':
        return this.addList(field, values.readEmails(texts));
      case 'phone':
        return this.addList(field, values.readPhones(texts));
      case 'size':
        return this.addRange(values.readEmployeeRange(texts.join(' ')));
      case 'number':
        return this.addNumber(field, values.readEmployees(texts.join(' ')));
      case 'text':
        return this.addText(field, values.readText(texts.join(' ')));
      case 'linkedin':
        return this.addText(field, values.readLinkedinUrl(texts.join(' ')));
      case 'domain':
        return this.addText(field, values.readDomain(texts.join(' ')));
    }
  }

  isBlank(): boolean {
    return this.texts.size === 0 && this.lists.size === 0 && this.numbers.size === 0;
  }

  toLead(line: number): LeadRow {
    return {
      line,
      firstName: this.text('firstName'),
      lastName: this.text('lastName'),
      fullName: this.text('fullName'),
      jobTitle: this.text('jobTitle'),
      seniority: this.text('seniority'),
      city: this.text('city'),
      country: this.text('country'),
      linkedinUrl: this.text('linkedinUrl'),
      emails: this.list('emails'),
      phones: this.list('phones'),
      departments: this.list('departments'),
      functions: this.list('functions'),
      skills: this.list('skills'),
      languages: this.list('languages'),
      socialLinks: this.list('socialLinks'),
      previousCompanies: this.list('previousCompanies'),
      company: this.toCompany(),
    };
  }

  private toCompany(): CompanyRow {
    return {
      name: this.text('companyName'),
      domain: this.text('companyDomain'),
      industry: this.text('companyIndustry'),
      city: this.text('companyCity'),
      country: this.text('companyCountry'),
      employeesMin: this.numbers.get('companyEmployeesMin') ?? null,
      employeesMax: this.numbers.get('companyEmployeesMax') ?? null,
      linkedinUrl: this.text('companyLinkedinUrl'),
    };
  }

  private text(field: LeadField): string | null {
    return this.texts.get(field) ?? null;
  }

  private list(field: LeadField): string[] {
    return this.lists.get(field) ?? [];
  }

  private addText(field: LeadField, text: string | null): void {
    if (text !== null && !this.texts.has(field)) this.texts.set(field, text);
  }

  private addList(field: LeadField, list: string[]): void {
    if (list.length > 0) this.lists.set(field, [...new Set([...this.list(field), ...list])]);
  }

  private addRange({ min, max }: values.EmployeeRange): void {
    this.addNumber('companyEmployeesMin', min);
    this.addNumber('companyEmployeesMax', max);
  }

  private addNumber(field: LeadField, number: number | null): void {
    if (number !== null && !this.numbers.has(field)) this.numbers.set(field, number);
  }
}
