/** What the invented people of the sample do, and the words their companies are named from. */

export interface Department {
  name: string;
  skills: readonly string[];
  /** Titles of each seniority, most senior first. */
  titles: Readonly<Record<Seniority, string>>;
}

export const SENIORITIES = ['c_suite', 'vp', 'director', 'manager', 'senior', 'entry'] as const;
export type Seniority = (typeof SENIORITIES)[number];

function department(name: string, skills: string, ...titles: [string, string, string, string, string, string]): Department {
  const [cSuite, vp, director, manager, senior, entry] = titles;
  return { name, skills: skills.split(', '), titles: { c_suite: cSuite, vp, director, manager, senior, entry } };
}

export const DEPARTMENTS: readonly Department[] = [
  department(
    'Engineering',
    'TypeScript, PostgreSQL, Kubernetes, Go, Rust, Site Reliability, System Design',
    'Chief Technology Officer',
    'VP of Engineering',
    'Director of Engineering',
    'Engineering Manager',
    'Senior Software Engineer',
    'Junior Developer',
  ),
  department(
    'Sales',
    'Negotiation, Salesforce, Prospecting, Key Accounts, Forecasting',
    'Chief Revenue Officer',
    'VP of Sales',
    'Sales Director',
    'Account Manager',
    'Senior Account Executive',
    'Sales Development Representative',
  ),
  department(
    'Marketing',
    'SEO, Content Strategy, Google Ads, Brand, Events, Copywriting',
    'Chief Marketing Officer',
    'VP of Marketing',
    'Director, Demand Generation',
    'Marketing Manager',
    'Senior Content Strategist',
    'Marketing Assistant',
  ),
  department(
    'Finance',
    'IFRS, Controlling, Treasury, Excel, Audit, M&A',
    'Chief Financial Officer',
    'VP Finance',
    'Finance Director',
    'Accounting Manager',
    'Senior Controller',
    'Junior Accountant',
  ),
  department(
    'Human Resources',
    'Recruiting, Labour Law, Compensation, Onboarding, Coaching',
    'Chief People Officer',
    'VP People',
    'HR Director',
    'Talent Acquisition Manager',
    'Senior HR Business Partner',
    'HR Assistant',
  ),
  department(
    'Operations',
    'Lean, Six Sigma, SAP, Procurement, Logistics, Quality',
    'Chief Operating Officer',
    'VP Operations',
    'Plant Director',
    'Supply Chain Manager',
    'Senior Buyer',
    'Logistics Coordinator',
  ),
  department(
    'Product',
    'Roadmaps, User Research, Figma, A/B Testing, Pricing',
    'Chief Product Officer',
    'VP Product',
    'Director of Product',
    'Product Manager',
    'Senior Product Designer',
    'Associate Product Manager',
  ),
];

export const COMPANY_SIZES: readonly string[] = ['1-10', '11-50', '51-200', '201-500', '501-1000', '1001-5000', '5001-10000'];

export const COMPANY_WORDS: readonly string[] = [
  'Amber', 'Borealis', 'Cobalt', 'Driftwood', 'Ember', 'Fjord', 'Granite', 'Harbour', 'Indigo', 'Juniper',
  'Kestrel', 'Lantern', 'Meridian', 'Northwind', 'Orchard', 'Pelican', 'Quarry', 'Rosewood', 'Saffron', 'Tundra',
];

/** The second word of a company's name and the industries it is in. */
export const COMPANY_KINDS: readonly { word: string; industries: readonly string[] }[] = [
  { word: 'Labs', industries: ['Biotechnology', 'Software'] },
  { word: 'Logistics', industries: ['Logistics'] },
  { word: 'Foods', industries: ['Food Production', 'Hospitality'] },
  { word: 'Systems', industries: ['Software', 'Automotive Parts'] },
  { word: 'Energy', industries: ['Renewable Energy'] },
  { word: 'Textiles', industries: ['Textiles'] },
  { word: 'Analytics', industries: ['Software', 'Banking'] },
  { word: 'Health', industries: ['Medical Devices', 'Biotechnology'] },
  { word: 'Works', industries: ['Construction', 'Automotive Parts'] },
  { word: 'Academy', industries: ['Education'] },
];
