/** From what a provider gave to a clean candidate. What is masked, malformed or too long is none. */
import { type Candidate, type Verdict } from '@leadwell/shared/domain/enrichment';
import { normaliseEmail, type Question } from '@leadwell/shared/domain/question';
import { flagsOfAddress } from './address-flags';
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';

const MAX_EMAIL_LENGTH = 254;
const MAX_PHONE_LENGTH = 60;

/**
 * Dots stand between other characters. Of the marks that RFC 5321 (4.1.2) allows, those that addresses have; not the
 * others, among which are the asterisk of a masked address and what a spreadsheet would run.
 */
const LOCAL_PART = /^(?![.+=-])(?!.*\.\.)[\p{L}\p{N}\p{M}&'+=/#~_.-]+(?<!\.)@/u;

/** What stands in an address field while the address is not shown. Source: Apollo's `email_not_unlocked@domain.com` */
const PLACEHOLDER = /^(email_not_unlocked|hidden|redacted|not_?available)@/;

/**
 * An address in lower case, its domain in ASCII, or null. Flagged are `role`, `disposable`, and `other_domain` where another
 * domain was asked: it is stored and found all the same.
 * `confidence` is 0 to 1; anything else counts as nothing said.
 */
export function emailCandidate(
  value: unknown,
  question: Question,
  said: { verdict: Verdict; confidence?: number | null; flags?: readonly string[] },
): Candidate | null {
  if (typeof value !== 'string' || value.length > MAX_EMAIL_LENGTH) return null;
  const email = normaliseEmail(value);
  if (!email || !LOCAL_PART.test(email) || PLACEHOLDER.test(email)) return null;
  const flags = new Set([...(said.flags ?? []), ...flagsOfAddress(email)]);
  const isElsewhere = question.form === 'name_domain' && email.split('@')[1] !== question.domain;
  return {
    kind: 'email',
    value: email,
    verdict: said.verdict,
    confidence: said.confidence ?? null,
    lineType: null,
    flags: [...flags, ...(isElsewhere ? ['other_domain'] : [])],
  };
}

/** What providers call a line, where the numbering plan does not tell mobile from fixed. */
const LINE_TYPES: ReadonlyMap<unknown, string> = new Map([
  ['mobile', 'mobile'],
  ['cell', 'mobile'],
  ['landline', 'fixed_line'],
  ['fixed_line', 'fixed_line'],
  ['voip', 'voip'],
]);

/**
 * A number in E.164 with its line type, or null. `country` (ISO 3166, two letters) reads a number without prefix.
 * `lineType` is the provider's word: it counts where the numbering plan leaves the type open.
 */
export function phoneCandidate(
  value: unknown,
  said: { verdict: Verdict; country?: unknown; lineType?: unknown; flags?: readonly string[] },
): Candidate | null {
  if (typeof value !== 'string' || value.length > MAX_PHONE_LENGTH || isMasked(value)) return null;
  const country = readCountry(said.country);
  const number = parsePhoneNumberFromString(value, {
    extract: false,
    ...(country && { defaultCountry: country }),
  });
  if (!number?.isValid()) return null;
  const planned = number.getType()?.toLowerCase() ?? null;
  const isOpen = planned === null || planned === 'fixed_line_or_mobile';
  return {
    kind: 'phone',
    value: number.number,
    verdict: said.verdict,
    confidence: null,
    lineType: (isOpen ? LINE_TYPES.get(said.lineType) : null) ?? planned,
    flags: [...(said.flags ?? [])],
  };
}

/**
 * Whether a value hides itself. The parser refuses most masks, but reads '+49 30 231 25--' as the shorter, valid number
 * that is left.
 */
function isMasked(text: string): boolean {
  return /[*•●█…_?]|[x~-]{2,}/i.test(text);
}

function readCountry(value: unknown): CountryCode | null {
  if (typeof value !== 'string' || value.length !== 2) return null;
  const country = value.toUpperCase();
  return isSupportedCountry(country) ? country : null;
}

/** A percentage as 0 to 1; null for anything else. */
export function confidenceOfPercent(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && value <= 100 ? value / 100 : null;
}
