/** `npm run docs:config`: writes `.env.example` and README's configuration table anew from the settings. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './child-process';
import { envExample, withConfigTable } from './config-docs';

writeFileSync(path.join(ROOT, '.env.example'), envExample());
const readme = path.join(ROOT, 'README.md');
if (existsSync(readme)) writeFileSync(readme, withConfigTable(readFileSync(readme, 'utf8')));
console.log('Wrote .env.example and the table in README.md.');
