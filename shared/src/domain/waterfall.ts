import type { Field } from './enrichment';
import { firstQuestion, hashQuestion, type LeadInputs, type Question, type QuestionForm } from './question';

/** What acceptance and the relay need to know of a provider: how its lookups are keyed, not how it is called. */
export interface AskableProvider {
  name: string;
  baseUrl: string;
  /** In order; a lead is asked by the first that it fills. */
  forms: readonly QuestionForm[];
}

/** The providers of each field in the order they are asked. */
export type AskableWaterfall = Readonly<Record<Field, readonly AskableProvider[]>>;

/** One provider's question of one lead, with the hash its lookup is keyed by. */
export interface ProviderQuestion {
  provider: string;
  baseUrl: string;
  question: Question;
  inputHash: Buffer;
}

/** The questions of a lead to the providers that can take it, in the order of the waterfall. Empty: none can. */
export function questionsOf(lead: LeadInputs, providers: readonly AskableProvider[]): ProviderQuestion[] {
  return providers.flatMap(({ name, baseUrl, forms }) => {
    const question = firstQuestion(lead, forms);
    return question ? [{ provider: name, baseUrl, question, inputHash: hashQuestion(question) }] : [];
  });
}
