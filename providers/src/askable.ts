import type { Field } from '@leadwell/shared/domain/enrichment';
import type { AskableProvider, AskableWaterfall } from '@leadwell/shared/domain/waterfall';
import type { Provider, Waterfall } from './provider';

/** How the lookups of a deployment's providers are keyed: what acceptance and the relay need of it. */
export function askableWaterfall(waterfall: Waterfall): AskableWaterfall {
  const { configured } = waterfall;
  return {
    emails: askableProviders(waterfall.emails, 'emails'),
    phones: askableProviders(waterfall.phones, 'phones'),
    configured: {
      emails: askableProviders(configured, 'emails'),
      phones: askableProviders(configured, 'phones'),
    },
  };
}

/** Those that serve the field. */
function askableProviders(providers: readonly Provider[], field: Field): AskableProvider[] {
  return providers.flatMap(({ name, baseUrl, adapter }) => {
    const contract = adapter.fields[field];
    return contract ? [{ name, baseUrl, forms: contract.forms }] : [];
  });
}
