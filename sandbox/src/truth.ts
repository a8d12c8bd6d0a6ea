/**
 * What is true in the sandbox's invented world: from subject and seed alone, the same at every call and every run.
 * No address and no number can belong to anybody: domains that are not reserved get `.example` behind them, numbers
 * come from ranges that the regulators keep for fiction.
 */
import { createHash } from 'node:crypto';
import { foldText } from '@leadwell/shared/domain/text-folding';
import type { ProviderContract, Subject } from './contract';
import { fictionalPhone, type Phone } from './fictional-phones';

export type EmailStatus = 'valid' | 'accept_all' | 'unknown' | 'invalid';

export type Finding =
  | { kind: 'miss' }
  /** The person asked not to be found. */
  | { kind: 'restricted' }
  | { kind: 'email'; email: string; status: EmailStatus; score: number; isMasked: boolean }
  | { kind: 'phone'; phone: Phone; isMasked: boolean };

const RESTRICTED_SHARE = 0.01;
const ACCEPT_ALL_DOMAINS = 0.12;
const OTHER_DOMAIN_SHARE = 0.03;

/**
 * What a provider finds for a subject, each independently of the others. Words in the subject decide for tests, whatever the seed: `always-hit`,
 * `always-miss`, `always-restricted`, `always-masked`, and `only-<provider>` (a hit there, a miss elsewhere).
 */
export function findTruth(
  contract: Pick<ProviderContract, 'name' | 'coverage' | 'maskedShare'>,
  subject: Subject,
  seed: string,
): Finding {
  const provider = contract.name;
  const wish = /always-(hit|miss|restricted|masked)|only-([a-z]+)/.exec(subject.id);
  const chance = (what: string, of = subject.id): number => chanceOf(seed, what, of);
  const isWished = wish?.[1] === 'hit' || wish?.[1] === 'masked' || wish?.[2] === provider;
  if (wish && !isWished) return { kind: wish[1] === 'restricted' ? 'restricted' : 'miss' };
  if (!wish && chance(`restricted`) < RESTRICTED_SHARE) return { kind: 'restricted' };
  const coverage = contract.coverage[subject.field];
  if (!wish && chance(`${provider} ${subject.field}`) >= coverage) return { kind: 'miss' };
  const isMasked = wish ? wish[1] === 'masked' : chance(`${provider} masked`) < (contract.maskedShare ?? 0);
  if (subject.field === 'mobile') return { kind: 'phone', phone: fictionalPhone(chance('phone')), isMasked };
  const email = emailOf(subject, (what, of) => chance(what, of));
  return { kind: 'email', email, isMasked, ...qualityOf(subject, Boolean(wish), chance) };
}

type Chance = (what: string, of?: string) => number;

function qualityOf(
  subject: Subject,
  isCertain: boolean,
  chance: Chance,
): { status: EmailStatus; score: number } {
  const spread = chance('score');
  const status = chance('status');
  if (isCertain) return { status: 'valid', score: 85 + Math.floor(spread * 15) };
  if (chance('accept all', subject.domain) < ACCEPT_ALL_DOMAINS) {
    return { status: 'accept_all', score: 60 + Math.floor(spread * 20) };
  }
  if (status < 0.02) return { status: 'invalid', score: 5 + Math.floor(spread * 15) };
  if (status < 0.05) return { status: 'unknown', score: 30 + Math.floor(spread * 30) };
  return { status: 'valid', score: 85 + Math.floor(spread * 15) };
}

/** One pattern a domain, as in most companies. */
function emailOf(subject: Subject, chance: Chance): string {
  const first = asciiOf(subject.firstName) || 'info';
  const last = asciiOf(subject.lastName) || `n${Math.floor(chance('nameless') * 10_000)}`;
  const patterns = [
    `${first}.${last}`,
    `${first.charAt(0)}${last}`,
    `${first}`,
    `${first.charAt(0)}.${last}`,
    `${first}_${last}`,
  ];
  const pattern = patterns[Math.floor(chance('pattern', subject.domain) * patterns.length)] ?? first;
  return `${pattern}@${mailDomainOf(subject.domain, chance('other domain'))}`;
}

function mailDomainOf(domain: string, chance: number): string {
  const reserved = isReserved(domain) ? domain : `${domain}.example`;
  return chance < OTHER_DOMAIN_SHARE ? reserved.replace(/\.([a-z]+)$/, '-group.$1') : reserved;
}

/** Source: RFC 2606, RFC 6761 */
function isReserved(domain: string): boolean {
  return /(^|\.)(example|test|invalid|localhost|example\.(com|net|org))$/.test(domain);
}

function asciiOf(name: string): string {
  return foldText(name).replace(/[^a-z0-9]+/g, '');
}

/** A number from 0 to below 1 that depends on nothing but its arguments. */
export function chanceOf(seed: string, what: string, of: string): number {
  return createHash('md5').update(`${seed}\n${what}\n${of}`).digest().readUInt32BE(0) / 2 ** 32;
}
