/** What a file can say of a lead. The names that files give these fields stand in header-names.ts and known-exports.ts. */

export type FieldKind = 'text' | 'list' | 'email' | 'phone' | 'linkedin' | 'domain' | 'size' | 'number';

/** The fields of a lead that a file can fill, and how each is read. */
export const LEAD_FIELDS = {
  firstName: 'text',
  lastName: 'text',
  fullName: 'text',
  jobTitle: 'text',
  seniority: 'text',
  city: 'text',
  country: 'text',
  linkedinUrl: 'linkedin',
  emails: 'email',
  phones: 'phone',
  departments: 'list',
  functions: 'list',
  skills: 'list',
  languages: 'list',
  socialLinks: 'list',
  previousCompanies: 'list',
  companyName: 'text',
  companyDomain: 'domain',
  companyIndustry: 'text',
  companyCity: 'text',
  companyCountry: 'text',
  companyLinkedinUrl: 'text',
  companySize: 'size',
  companyEmployeesMin: 'number',
  companyEmployeesMax: 'number',
} as const satisfies Record<string, FieldKind>;
export type LeadField = keyof typeof LEAD_FIELDS;
