import { FIELDS } from '@leadwell/shared/domain/enrichment';
import type { AskableProvider, AskableWaterfall } from '@leadwell/shared/domain/waterfall';
import type { Waterfall } from './provider';

/** How the lookups of a waterfall's providers are keyed: what acceptance and the relay need of it. */
export function askableWaterfall(waterfall: Waterfall): AskableWaterfall {
  const entries = FIELDS.map((field) => {
    const providers: AskableProvider[] = waterfall[field].map((provider) => ({
      name: provider.name,
      baseUrl: provider.baseUrl,
      forms: provider.adapter.fields[field]?.forms ?? [],
    }));
    return [field, providers] as const;
  });
  return Object.fromEntries(entries) as unknown as AskableWaterfall;
}
