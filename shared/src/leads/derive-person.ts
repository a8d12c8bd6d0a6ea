import { hashQuestionForms } from '../domain/question';
import { searchTermsOf, type SearchableLead } from '../domain/search-terms';
import type { DerivedPersonRecord } from '../repositories/lead-writes';
import type { CompanyProfile, LeadProfile } from '../domain/lead-profile';

/**
 * The row of `people` for a profile: the profile, its company's copied fields, what search looks at, and what its
 * questions hash to. The same for the same input, so that writing it again changes nothing.
 */
export function derivePerson(
  id: string,
  profile: LeadProfile,
  company: { id: string; profile: CompanyProfile } | null,
): DerivedPersonRecord {
  const of = company?.profile ?? null;
  const search = searchTermsOf(searchableOf(profile, of));
  const hashes = hashQuestionForms({
    firstName: profile.firstName,
    lastName: profile.lastName,
    fullName: profile.fullName,
    linkedinUrl: profile.linkedinUrl,
    companyName: of?.name ?? null,
    companyDomain: of?.domain ?? null,
    email: profile.emails[0] ?? null,
  });
  // Written out: spread and filled up, an object of this size took V8 as long as all that is derived.
  return {
    id,
    firstName: profile.firstName,
    lastName: profile.lastName,
    fullName: profile.fullName,
    jobTitle: profile.jobTitle,
    seniority: profile.seniority,
    city: profile.city,
    country: profile.country,
    linkedinUrl: profile.linkedinUrl,
    emails: profile.emails,
    phones: profile.phones,
    departments: profile.departments,
    functions: profile.functions,
    skills: profile.skills,
    languages: profile.languages,
    socialLinks: profile.socialLinks,
    previousCompanies: profile.previousCompanies,
    companyId: company?.id ?? null,
    companyName: of?.name ?? null,
    companyDomain: of?.domain ?? null,
    employeesMin: of?.employeesMin ?? null,
    employeesMax: of?.employeesMax ?? null,
    searchWords: search.words,
    searchTerms: search.terms,
    nameDomainHash: byteaOf(hashes.name_domain),
    nameCompanyHash: byteaOf(hashes.name_company),
    linkedinHash: byteaOf(hashes.linkedin),
    emailHash: byteaOf(hashes.email),
  };
}

function searchableOf(profile: LeadProfile, company: CompanyProfile | null): SearchableLead {
  return {
    fullName: profile.fullName,
    jobTitle: profile.jobTitle,
    seniority: profile.seniority,
    city: profile.city,
    country: profile.country,
    linkedinUrl: profile.linkedinUrl,
    departments: profile.departments,
    functions: profile.functions,
    skills: profile.skills,
    languages: profile.languages,
    socialLinks: profile.socialLinks,
    previousCompanies: profile.previousCompanies,
    company,
  };
}

function byteaOf(hash: Buffer | null): string | null {
  return hash && `\\x${hash.toString('hex')}`;
}
