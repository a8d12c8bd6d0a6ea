import { hashQuestionForms } from '../domain/question';
import { searchTermsOf } from '../domain/search-terms';
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
  const search = searchTermsOf({ ...profile, company: of });
  const hashes = hashQuestionForms({
    ...profile,
    companyName: of?.name ?? null,
    companyDomain: of?.domain ?? null,
    email: profile.emails[0] ?? null,
  });
  return {
    ...profile,
    id,
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

function byteaOf(hash: Buffer | null): string | null {
  return hash && `\\x${hash.toString('hex')}`;
}
