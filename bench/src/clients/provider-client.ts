/** Asks the sandbox as short as can be: over connections that stay open, without limits, retries or a deadline. */
import { Pool } from 'undici';
import { SANDBOX_KEY } from '../servers/providers-file';

export interface Person {
  id: string;
  firstName: string;
  lastName: string;
  domain: string;
}

export interface Finding {
  state: 'hit' | 'miss' | 'restricted';
  email: string | null;
}

/** What one call of `prospeo` may hold. */
export const PEOPLE_A_CALL = 50;

interface HunterAnswer {
  data: { email: string | null };
}

interface ProspeoPerson {
  email: { email: string; revealed: boolean } | null;
}

interface BulkAnswer {
  matched: { identifier: string; person: ProspeoPerson }[];
}

const MISS: Finding = { state: 'miss', email: null };

export class ProviderClient {
  private readonly pool: Pool;

  /** `connections`: calls at a time. */
  constructor(sandboxUrl: string, connections = 50) {
    this.pool = new Pool(sandboxUrl, { connections, pipelining: 1 });
  }

  /** One call for one person. Rejects on whatever is no answer. */
  find(provider: 'hunter' | 'prospeo', person: Person): Promise<Finding> {
    return provider === 'hunter' ? this.findByHunter(person) : this.findByProspeo(person);
  }

  /** One call for up to 50 people, answered by their ids; who is not in the answer is a miss. */
  async findMany(people: readonly Person[]): Promise<Map<string, Finding>> {
    const data = people.map((person) => ({ identifier: person.id, ...datapoints(person) }));
    const { json } = await this.post('/prospeo/bulk-enrich-person', { data }, [200]);
    const { matched } = json as BulkAnswer;
    return new Map(matched.map(({ identifier, person }) => [identifier, findingOf(person)]));
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  private async findByHunter({ domain, firstName, lastName }: Person): Promise<Finding> {
    const query = new URLSearchParams({ domain, first_name: firstName, last_name: lastName }).toString();
    const { statusCode, body } = await this.pool.request({
      path: `/hunter/v2/email-finder?${query}`,
      method: 'GET',
      headers: { 'x-api-key': SANDBOX_KEY },
    });
    const json = await body.json();
    if (statusCode === 451) return { state: 'restricted', email: null };
    if (statusCode !== 200) throw new Error(`The sandbox answered ${statusCode}: ${JSON.stringify(json)}`);
    const { email } = (json as HunterAnswer).data;
    return email === null ? MISS : { state: 'hit', email };
  }

  private async findByProspeo(person: Person): Promise<Finding> {
    // 400 with NO_MATCH is how it says that it knows nobody.
    const { status, json } = await this.post(
      '/prospeo/enrich-person',
      { data: datapoints(person) },
      [200, 400],
    );
    if (status === 200) return findingOf((json as { person: ProspeoPerson }).person);
    if ((json as { error_code: string }).error_code === 'NO_MATCH') return MISS;
    throw new Error(`The sandbox answered ${JSON.stringify(json)}`);
  }

  private async post(path: string, content: object, expected: readonly number[]) {
    const { statusCode: status, body } = await this.pool.request({
      path,
      method: 'POST',
      headers: { 'x-key': SANDBOX_KEY, 'content-type': 'application/json' },
      body: JSON.stringify(content),
    });
    const json = await body.json();
    if (!expected.includes(status))
      throw new Error(`The sandbox answered ${status}: ${JSON.stringify(json)}`);
    return { status, json };
  }
}

function datapoints({ firstName, lastName, domain }: Person): Record<string, string> {
  return { first_name: firstName, last_name: lastName, company_website: domain };
}

/** What is not revealed is a mask, no address. */
function findingOf({ email }: ProspeoPerson): Finding {
  return email?.revealed ? { state: 'hit', email: email.email } : MISS;
}
