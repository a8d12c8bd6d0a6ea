/** Numbers that regulators keep for films and books: they ring nobody. */

export interface Phone {
  /** E.164 */
  number: string;
  /** As it is dialled at home. */
  national: string;
  country: string;
  /** ISO 3166, two letters. */
  countryCode: string;
}

interface Range {
  country: string;
  countryCode: string;
  prefix: string;
  /** What is dialled before a number at home. */
  trunk: string;
  /** The digits before the free ones. */
  leads: readonly string[];
  freeDigits: number;
}

/**
 * Kept for fiction and yet valid by the numbering plan, so that a check of numbers passes them. Ofcom's and ARCEP's
 * mobile ranges for drama are not.
 * Source: Ofcom "Telephone numbers for drama use" (020 7946 0xxx), Bundesnetzagentur "Rufnummern für Film und
 * Fernsehen" ((0)171 39200xx, (0)176 040690xx), ACMA "Phone numbers for use in TV shows, films and creative works"
 * ((02) 7010 xxxx), NANPA (555-0100 to 555-0199).
 */
const RANGES: readonly Range[] = [
  {
    country: 'United States',
    countryCode: 'US',
    prefix: '+1',
    trunk: '',
    leads: ['202', '206', '303', '312', '404', '415', '503', '512', '617', '713'].map(
      (area) => `${area}55501`,
    ),
    freeDigits: 2,
  },
  {
    country: 'Germany',
    countryCode: 'DE',
    prefix: '+49',
    trunk: '0',
    leads: ['17139200', '176040690'],
    freeDigits: 2,
  },
  {
    country: 'United Kingdom',
    countryCode: 'GB',
    prefix: '+44',
    trunk: '0',
    leads: ['2079460'],
    freeDigits: 3,
  },
  { country: 'Australia', countryCode: 'AU', prefix: '+61', trunk: '0', leads: ['27010'], freeDigits: 4 },
];

/** The number that a chance (0 to below 1) picks. */
export function fictionalPhone(chance: number): Phone {
  const [range, inRange] = pick(RANGES, chance);
  const [lead, inLead] = pick(range.leads, inRange);
  const free = Math.floor(inLead * 10 ** range.freeDigits);
  const digits = lead + String(free).padStart(range.freeDigits, '0');
  const { country, countryCode, prefix, trunk } = range;
  return { number: prefix + digits, national: trunk + digits, country, countryCode };
}

/** An item, and the chance that is left to pick inside it. */
function pick<T>(list: readonly T[], chance: number): [T, number] {
  const position = chance * list.length;
  const item = list[Math.floor(position)];
  if (item === undefined) throw new Error('A chance is 0 or more and below 1');
  return [item, position % 1];
}
