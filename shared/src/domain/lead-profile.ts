/** What is stored of a person, but for its company. */
export interface LeadProfile {
  firstName: string | null;
  lastName: string | null;
  fullName: string;
  jobTitle: string | null;
  seniority: string | null;
  city: string | null;
  country: string | null;
  linkedinUrl: string | null;
  emails: string[];
  phones: string[];
  departments: string[];
  functions: string[];
  skills: string[];
  languages: string[];
  socialLinks: string[];
  previousCompanies: string[];
}

/** What is stored of a company. */
export interface CompanyProfile {
  name: string;
  domain: string | null;
  industry: string | null;
  city: string | null;
  country: string | null;
  employeesMin: number | null;
  employeesMax: number | null;
  linkedinUrl: string | null;
}
