/** What an address shows by itself, whatever its provider says of it. */
import { disposableEmailBlocklistSet } from 'disposable-email-domains-js';

/**
 * Mailboxes of a function that several people read. The names of RFC 2142 and those that companies use in the languages of
 * the importer; a name of one person is never among them.
 * Source: https://www.rfc-editor.org/rfc/rfc2142
 */
const ROLE_NAMES = new Set(
  `abuse accounting accounts admin administration administrator all-staff anfrage apply billing bonjour booking bookings buchhaltung
  business career careers comercial commercial compliance comptabilite communications compras contabilidad contact contacto contacts
  customercare customerservice customersupport datenschutz datenschutzbeauftragter direction donotreply dpo einkauf empfang
  enquiries enquiry events export facturacion facturation feedback finance finances ftp hallo hello help helpdesk hola
  hostmaster hr info information informatique inquiries inquiry investor investors invoice invoices it jobs karriere kontakt kundenservice
  legal logistics mail mailer-daemon marketing media news newsletter no-reply noc noreply office order orders
  partner partners payments payroll personal postmaster presse press privacy procurement production purchasing rechnung rechnungen
  reception recruiting recruitment recrutement registrar reply reservations returns rh root rrhh sales secretariat
  security service services shop staff subscribe support sysadmin team tech technik unsubscribe usenet uucp ventas
  vertrieb verwaltung webmaster welcome www zentrale`.split(/\s+/),
);

/** 8,900 domains; why this list: docs/adr/0015. */
const DISPOSABLE_DOMAINS: ReadonlySet<string> = disposableEmailBlocklistSet();

/** `role` and `disposable` for a normalised address, as far as they are true of it. `sales+emea` and `no.reply` are no person either. */
export function flagsOfAddress(email: string): string[] {
  const [local = '', domain = ''] = email.split('@');
  const name = local.split('+')[0] ?? '';
  const isRole = ROLE_NAMES.has(name) || ROLE_NAMES.has(name.replace(/[._-]/g, ''));
  return [...(isRole ? ['role'] : []), ...(isDisposable(domain) ? ['disposable'] : [])];
}

/** Whether the domain or one that it is part of is listed: such services give away subdomains too. */
function isDisposable(domain: string): boolean {
  const labels = domain.split('.');
  return labels.some((_, from) => DISPOSABLE_DOMAINS.has(labels.slice(from).join('.')));
}
