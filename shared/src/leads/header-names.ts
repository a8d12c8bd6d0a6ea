/**
 * By which names files call the fields of a lead, whatever wrote them. Data: a name that every tool means alike belongs here;
 * one that means something else in one tool's export belongs to that export in known-exports.ts.
 */
import { foldWords } from '../domain/text-folding';
import { LEAD_FIELDS, type LeadField } from './lead-fields';

/** Other names of each field in CSV headers, the best first. The field's own name always counts. */
const SYNONYMS: Readonly<Record<LeadField, readonly string[]>> = {
  firstName: ['first', 'given name', 'forename', 'contact first name', 'vorname', 'prenom', 'nombre'],
  lastName: [
    'last',
    'surname',
    'family name',
    'contact last name',
    'nachname',
    'nom',
    'apellidos',
    'apellido',
  ],
  fullName: ['name', 'contact name', 'person name', 'lead name', 'contact', 'nom complet', 'nombre completo'],
  jobTitle: [
    ...[
      'title',
      'position',
      'role',
      'job',
      'current job',
      'current title',
      'current position',
      'job position',
    ],
    ...['berufsbezeichnung', 'funktion', 'poste', 'cargo', 'puesto', 'headline', 'profile headline'],
  ],
  seniority: ['seniority level', 'management level', 'level'],
  city: ['person city', 'contact city', 'mailing city', 'town', 'ort', 'stadt', 'ville', 'ciudad'],
  country: [
    ...[
      'person country',
      'contact country',
      'country region',
      'mailing country',
      'mailing country territory',
    ],
    ...['land', 'pays', 'pais'],
  ],
  linkedinUrl: [
    ...['linkedin', 'linkedin profile', 'linkedin profile url', 'linkedin url public', 'linkedin public url'],
    ...[
      'person linkedin',
      'person linkedin url',
      'contact linkedin url',
      'prospect linkedin url',
      'linkedin link',
    ],
    ...['linkedin page', 'profile url'],
  ],
  emails: [
    ...['email', 'email address', 'email addresses', 'e-mails', 'mail', 'mail address', 'primary email'],
    ...[
      'work email',
      'work email address',
      'business email',
      'company email',
      'professional email',
      'email work',
    ],
    ...[
      'secondary email',
      'tertiary email',
      'other email',
      'alternative email',
      'alternate email',
      'email other',
    ],
    ...['additional email addresses', 'additional emails', 'personal email', 'private email', 'home email'],
    ...[
      'email home',
      'contact email',
      'person email',
      'e-mail-adresse',
      'emailadresse',
      'courriel',
      'correo',
    ],
    ...['correo electronico', 'adresse e-mail', 'adresse email'],
  ],
  phones: [
    ...['phone', 'phone number', 'phone numbers', 'telephone', 'telephone number', 'tel', 'direct phone'],
    ...[
      'work direct phone',
      'direct dial',
      'direct line',
      'mobile',
      'mobile phone',
      'mobile number',
      'mobilephone',
    ],
    ...[
      'mobile phone number',
      'cell',
      'cell phone',
      'cell number',
      'work phone',
      'business phone',
      'phone work',
    ],
    ...[
      'phone mobile',
      'phone home',
      'phone other',
      'home phone',
      'other phone',
      'contact phone',
      'person phone',
    ],
    ...['telefon', 'telefonnummer', 'durchwahl', 'mobil', 'mobilnummer', 'mobiltelefon', 'handy', 'portable'],
    ...['telefono', 'movil'],
  ],
  departments: ['department', 'abteilung', 'departement', 'departamento'],
  functions: ['function', 'job function', 'job functions'],
  skills: ['skill'],
  languages: ['language', 'sprache', 'sprachen'],
  socialLinks: [
    'social link',
    'social media',
    'social media link',
    'social media links',
    'socials',
    'social urls',
  ],
  previousCompanies: ['previous company', 'past company', 'past companies', 'former companies'],
  companyName: [
    ...[
      'company',
      'current company',
      'organization',
      'organisation',
      'organization name',
      'organisation name',
    ],
    ...['employer', 'account', 'account name', 'company account', 'business name', 'firma', 'unternehmen'],
    ...['firmenname', 'societe', 'entreprise', 'empresa'],
  ],
  companyDomain: [
    ...['domain', 'company domain name', 'website', 'company website', 'company website url', 'website url'],
    ...[
      'web site',
      'company url',
      'organization website',
      'account website',
      'webseite',
      'homepage',
      'site web',
    ],
    ...['sitio web', 'url'],
  ],
  companyIndustry: ['industry', 'sector', 'branche', 'secteur', 'sector industrial', 'account industry'],
  companyCity: ['company town', 'hq city', 'headquarters city', 'account city', 'billing city'],
  companyCountry: ['hq country', 'headquarters country', 'account country', 'billing country'],
  companyLinkedinUrl: [
    'company linkedin',
    'company linkedin profile',
    'linkedin company page',
    'regular company url',
  ],
  companySize: [
    ...['employees', 'employee count', 'number of employees', 'num employees', 'no of employees', 'size'],
    ...['headcount', 'company employees', 'company headcount', 'employee range', 'company employee count'],
    ...[
      'company employee range',
      'mitarbeiter',
      'mitarbeiterzahl',
      'anzahl mitarbeiter',
      'effectif',
      'empleados',
    ],
  ],
  companyEmployeesMin: ['employees min', 'min employees'],
  companyEmployeesMax: ['employees max', 'max employees'],
};

/** What a header names. Of two columns for one text field, the one with the smaller rank counts where both are filled. */
export interface NamedField {
  field: LeadField;
  rank: number;
}

const FIELD_BY_HEADER: ReadonlyMap<string, NamedField> = new Map(
  (Object.keys(LEAD_FIELDS) as LeadField[]).flatMap((field) =>
    [field, ...SYNONYMS[field]].map((name, rank): [string, NamedField] => [headerKey(name), { field, rank }]),
  ),
);

/** The field that a CSV header names, blind to case, spaces, underscores and punctuation; undefined: none. */
export function fieldOfHeader(header: string): NamedField | undefined {
  const key = headerKey(header);
  return FIELD_BY_HEADER.get(key) ?? numberedField(key);
}

/** What header names are compared by. */
export function headerKey(header: string): string {
  return foldWords(header).join('');
}

/** `Email 2`, `Phone 1`, `E-mail 3 Address`: only ways to reach a person come numbered. */
function numberedField(key: string): NamedField | undefined {
  const named = /\d/.test(key) ? FIELD_BY_HEADER.get(key.replace(/\d/, '')) : undefined;
  return named?.field === 'emails' || named?.field === 'phones' ? named : undefined;
}
