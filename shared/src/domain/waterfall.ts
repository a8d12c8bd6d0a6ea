import type { Field } from './enrichment';
import { firstQuestion, hashQuestion, QUESTION_FORMS } from './question';
import type { LeadInputs, Question, QuestionForm } from './question';

/** What acceptance and the relay need to know of a provider: how its lookups are keyed, not how it is called. */
export interface AskableProvider {
  name: string;
  baseUrl: string;
  /** In order; a lead is asked by the first that it fills. */
  forms: readonly QuestionForm[];
  /** Why it is passed over at its turn, for a person; absent where it can be asked. */
  closedBecause?: string;
}

/** Whom a deployment can ask. */
export interface AskableWaterfall extends Readonly<Record<Field, readonly AskableProvider[]>> {
  /** Every provider of a field that has an account here: what an organisation may put in an order of its own. */
  configured: Readonly<Record<Field, readonly AskableProvider[]>>;
}

/**
 * The providers that an organisation has asked, in order. `names`: its own order, null for the deployment's. A name that
 * is not configured any more keeps its turn, closed: its rows then fail with the reason instead of finishing as if everybody had been asked.
 */
export function waterfallOf(
  deployment: AskableWaterfall,
  field: Field,
  names: readonly string[] | null,
): readonly AskableProvider[] {
  if (names === null) return deployment[field];
  const known = deployment.configured[field];
  return names.map((name) => known.find((provider) => provider.name === name) ?? closedProvider(name));
}

function closedProvider(name: string): AskableProvider {
  return { name, baseUrl: '', forms: QUESTION_FORMS, closedBecause: 'it is not configured here any more' };
}

/** One provider's question of one lead, with the hash its lookup is keyed by. */
export interface ProviderQuestion {
  provider: string;
  baseUrl: string;
  question: Question;
  inputHash: Buffer;
  /** Null where it can be asked. */
  closedBecause: string | null;
}

/** The questions of a lead to the providers that can take it, in the order of the waterfall. Empty: none can. */
export function questionsOf(lead: LeadInputs, providers: readonly AskableProvider[]): ProviderQuestion[] {
  return providers.flatMap(({ name, baseUrl, forms, closedBecause = null }) => {
    const question = firstQuestion(lead, forms);
    return question
      ? [{ provider: name, baseUrl, question, inputHash: hashQuestion(question), closedBecause }]
      : [];
  });
}
