/** The configuration table as documents: README's table and `.env.example`, both held against it by a test. */
import { SETTINGS, type Setting } from '@leadwell/shared/config/settings';

const START = '<!-- config:start -->';
const END = '<!-- config:end -->';

function listSettings(): Setting[] {
  return Object.values(SETTINGS);
}

/** The table in Markdown. */
export function configTable(): string {
  const rows = listSettings().map(
    ({ variable, defaultText, unit, meaning }) =>
      `| \`${variable}\` | ${defaultText === undefined ? '' : `\`${defaultText}\``} | ${unit} | ${meaning} |`,
  );
  return ['| variable | default | unit | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

/** The README with the table between its markers replaced. Throws where it has no markers. */
export function withConfigTable(readme: string): string {
  const start = readme.indexOf(START);
  const end = readme.indexOf(END);
  if (start < 0 || end < start) throw new Error(`README.md needs ${START} and ${END}, in this order.`);
  return `${readme.slice(0, start + START.length)}\n\n${configTable()}\n\n${readme.slice(end)}`;
}

/** `.env.example`: every setting with its meaning, commented out at its default. */
export function envExample(): string {
  const head =
    '# Copied to `.env`, read by npm start, api, worker, sandbox, migrate and cli. What is set in the shell wins.';
  const blocks = listSettings().map(
    ({ variable, defaultText, unit, meaning }) =>
      `# ${meaning.replaceAll('`', '')} (${unit})\n# ${variable}=${defaultText ?? ''}`,
  );
  return `${[head, ...blocks].join('\n\n')}\n`;
}
