import { normaliseDomain, normaliseEmail, normaliseLinkedinPath } from '@leadwell/shared/domain/question';
import { foldValue } from '@leadwell/shared/domain/text-folding';
import type { Subject } from './contract';

type Field = Subject['field'];

/** A person by name and domain or company; null where the place is none. */
export function subjectByName(
  field: Field,
  person: { firstName: string; lastName: string; domain?: string | null; company?: string | null },
): Subject | null {
  const { firstName, lastName } = person;
  const domain = person.domain ? normaliseDomain(person.domain) : domainOfCompany(person.company ?? '');
  if (!domain) return null;
  const place = person.domain ? domain : `company ${foldValue(person.company ?? '')}`;
  const id = `${foldValue(firstName)} ${foldValue(lastName)} at ${place}`;
  return { field, id, firstName, lastName, domain };
}

/** A person by profile; the slug's words are taken for the name. Null where it is no public profile. */
export function subjectByLinkedin(field: Field, url: string): Subject | null {
  const path = normaliseLinkedinPath(url.includes('linkedin.com') ? url : `linkedin.com/in/${url}`);
  if (!path) return null;
  const words =
    path
      .split('/')
      .at(-1)
      ?.split('-')
      .filter((word) => !/\d|^sample$/.test(word)) ?? [];
  const [firstName = 'anna', ...rest] = words;
  const lastName = rest.join('') || 'noname';
  return {
    field,
    id: path,
    firstName,
    lastName,
    domain: `${lastName.slice(0, 40)}-works.example`.replace(/[^a-z0-9.-]/g, 'x'),
  };
}

/** A person by an address that is known. */
export function subjectByEmail(field: Field, address: string): Subject | null {
  const email = normaliseEmail(address);
  if (!email) return null;
  const [local = '', domain = ''] = email.split('@');
  const [firstName = local, lastName = local] = local.split(/[._-]+/);
  return { field, id: email, firstName, lastName, domain };
}

function domainOfCompany(company: string): string | null {
  const words = foldValue(company)
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return words ? `${words.slice(0, 50).replace(/-+$/, '')}.example` : null;
}
