import { FieldFault } from './field-fault';
import type { FieldKind } from './lead-fields';

const TEXT = /^=\s*"([^"]*)"$/;
const HYPERLINK = /^=\s*HYPERLINK\(\s*"([^"]*)"\s*(?:[,;]\s*"([^"]*)"\s*)?\)$/i;
const SIGNED_NUMBER = /^=\s*(\+[\d\s().\-/]+)$/;

/**
 * What a spreadsheet would show of a cell, where that is certain: the text of `="0049…"`, the address or the label of a
 * HYPERLINK, whichever the field is made of, and the number of `=+49…` for a phone. Other cells pass unchanged.
 * Nothing is ever computed: any other formula throws FieldFault.
 */
export function readFormula(cell: string, kind: FieldKind): string {
  if (!cell.includes('=')) return cell;
  const formula = cell.trim();
  if (!formula.startsWith('=')) return cell;
  const text = TEXT.exec(formula)?.[1];
  if (text !== undefined) return text;
  const link = HYPERLINK.exec(formula);
  if (link) return readLink(link[1] ?? '', link[2], kind);
  const number = kind === 'phone' ? SIGNED_NUMBER.exec(formula)?.[1] : undefined;
  if (number !== undefined) return number;
  throw new FieldFault('holds a formula; export the values instead, or leave it blank.');
}

function readLink(address: string, label: string | undefined, kind: FieldKind): string {
  const isMadeOfAddress = kind === 'linkedin' || kind === 'domain' || kind === 'email' || kind === 'phone';
  return isMadeOfAddress ? address : (label ?? address);
}
