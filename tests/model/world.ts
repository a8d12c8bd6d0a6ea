/** The small world that both the service and its model live in: two organisations, seven leads, two providers. */
import type { Field } from '@leadwell/shared/domain/enrichment';
import type { LeadInputs } from '@leadwell/shared/domain/question';
import type { AskableProvider, AskableWaterfall } from '@leadwell/shared/domain/waterfall';

export const ORGANISATIONS = [0, 1] as const;
export const START_CREDITS = 60;
export const PRICE: Readonly<Record<Field, number>> = { emails: 5, phones: 20 };
export const BATCH_SIZE = 3;

const alpha: AskableProvider = { name: 'alpha', baseUrl: 'http://alpha.test', forms: ['name_domain'] };
const beta: AskableProvider = {
  name: 'beta',
  baseUrl: 'http://beta.test',
  forms: ['linkedin', 'name_domain'],
};
export const WATERFALL: AskableWaterfall = {
  emails: [alpha, beta],
  phones: [beta],
  configured: { emails: [alpha, beta], phones: [beta] },
};

interface LeadPlan {
  /** Leads of one name and domain share the questions that ask by them. */
  name: string | null;
  linkedin: string | null;
  /** The organisation that alone sees it; null: the shared directory. */
  owner: number | null;
}

export const LEADS: readonly LeadPlan[] = [
  { name: 'Ann', linkedin: 'ann', owner: null },
  { name: 'Ann', linkedin: 'anna', owner: null },
  { name: 'Bob', linkedin: 'bob', owner: null },
  { name: 'Cyd', linkedin: null, owner: null },
  { name: null, linkedin: null, owner: null },
  { name: 'Dan', linkedin: 'dan', owner: 0 },
  { name: 'Eve', linkedin: 'eve', owner: null },
];

/** What is stored of a lead; `tag` makes it another person in every sequence. */
export function inputsOf({ name, linkedin }: LeadPlan, tag: string): LeadInputs {
  return {
    firstName: name,
    lastName: name === null ? null : tag,
    fullName: name === null ? 'Mononym' : `${name} ${tag}`,
    companyName: null,
    companyDomain: name === null ? null : `${tag}.example`,
    linkedinUrl: linkedin === null ? null : `https://www.linkedin.com/in/${linkedin}-${tag}`,
    email: null,
  };
}

/** A provider's turn at a lead: `question` names what is asked, `lookup` the question to this provider. */
export interface ModelTurn {
  provider: string;
  question: string;
  lookup: string;
}

/** The turns of a lead in the order of the waterfall: what the rules of the forms come to in this world. */
export function turnsOf(lead: number, field: Field): ModelTurn[] {
  const { name, linkedin } = LEADS[lead]!;
  return WATERFALL[field].flatMap(({ name: provider, forms }) => {
    const question = forms
      .map((form) => (form === 'linkedin' ? linkedin && `in/${linkedin}` : name && `name/${name}`))
      .find(Boolean);
    return question ? [{ provider, question, lookup: `${provider} ${field} ${question}` }] : [];
  });
}

/** Everything that a lead is known by, as an entry of the suppression list may name it. */
export function knownBy(lead: number): string[] {
  const { name, linkedin } = LEADS[lead]!;
  return [linkedin && `in/${linkedin}`, name && `name/${name}`].filter((one) => one !== null);
}
