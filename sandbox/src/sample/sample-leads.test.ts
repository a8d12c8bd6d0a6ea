import { readFileSync } from 'node:fs';
import path from 'node:path';
import { questionOf, type LeadInputs } from '@leadwell/shared/domain/question';
import { sampleLeads, type SampleLead, toCsv } from './sample-leads';

const leads = sampleLeads();

function inputsOf(lead: SampleLead): LeadInputs {
  return {
    firstName: lead.first_name,
    lastName: lead.last_name,
    fullName: `${lead.first_name} ${lead.last_name}`,
    companyName: lead.company || null,
    companyDomain: lead.company_domain || null,
    linkedinUrl: lead.linkedin_url || null,
    email: lead.email || null,
  };
}

function countOf(predicate: (lead: SampleLead) => boolean): number {
  return leads.filter(predicate).length;
}

describe('sample/leads.csv', () => {
  it('is what the script writes', () => {
    const file = readFileSync(path.join(__dirname, '../../../sample/leads.csv'), 'utf8');
    expect(file === toCsv(leads)).toBe(true);
  });

  it('has a thousand distinct people at about two hundred companies in many countries', () => {
    expect(leads).toHaveLength(1000);
    expect(new Set(leads.map((lead) => `${lead.first_name} ${lead.last_name} ${lead.company}`)).size).toBe(1000);
    expect(new Set(leads.map((lead) => lead.company)).size).toBeGreaterThan(190);
    expect(new Set(leads.map((lead) => lead.country)).size).toBe(20);
  });

  it('names nobody’s domain, address or profile', () => {
    for (const lead of leads) {
      expect(lead.company_domain).toMatch(/^$|^[a-z-]+\.example$/);
      expect(lead.email).toMatch(/^$|^[a-z.]+@[a-z-]+\.example$/);
      expect(lead.linkedin_url).toMatch(/^$|-sample-\d{4}$/);
    }
  });

  it('fills the questions that providers ask, mostly', () => {
    const fills = (form: 'name_domain' | 'linkedin') => countOf((lead) => questionOf(inputsOf(lead), form) !== null);
    expect(fills('name_domain')).toBeGreaterThan(880);
    expect(fills('linkedin')).toBeGreaterThan(880);
    expect(fills('linkedin')).toBe(countOf((lead) => lead.linkedin_url !== ''));
    expect(countOf((lead) => lead.email !== '')).toBeLessThan(60);
    expect(countOf((lead) => lead.company === '')).toBeGreaterThan(10);
  });
});
