/** docker-compose.yml and Dockerfile, read as Docker would read them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

export const ROOT = path.join(__dirname, '..', '..');

export interface ComposeService {
  image?: string;
  build?: string;
  command?: string | string[];
  environment?: Record<string, string | number>;
  ports?: string[];
  volumes?: string[];
  profiles?: string[];
  stop_grace_period?: string;
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }> | string[];
}

/** The services with `${NAME:-default}` and `${NAME:?message}` filled in; a required one that is missing throws. */
export function readCompose(env: Readonly<Record<string, string>>): Record<string, ComposeService> {
  const text = readFileSync(path.join(ROOT, 'docker-compose.yml'), 'utf8');
  const fill = (value: unknown): unknown =>
    typeof value !== 'string'
      ? value
      : value.replace(/\$\{(\w+):([-?])([^}]*)\}/g, (_, name: string, kind: string, rest: string) => {
          if (!env[name] && kind === '?') throw new Error(rest);
          return env[name] || rest;
        });
  // Filled in after parsing, as Docker does: an empty value is an empty text and no null.
  const file = parse(text, (_, value) => fill(value), { merge: true }) as {
    services: Record<string, ComposeService>;
  };
  return file.services;
}

/** What the Dockerfile's lines say, by their instruction. */
export function readDockerfile(): { instruction: string; rest: string }[] {
  return readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8')
    .split('\n')
    .filter((line) => /^[A-Z]+ /.test(line))
    .map((line) => {
      const [instruction = '', ...rest] = line.split(' ');
      return { instruction, rest: rest.join(' ') };
    });
}

/** What the image sets for whatever runs in it. */
export function readImageEnvironment(): Record<string, string> {
  const lines = readDockerfile().filter(({ instruction }) => instruction === 'ENV');
  return Object.fromEntries(lines.map(({ rest }) => /^(\w+)=(.*)$/.exec(rest)?.slice(1) as [string, string]));
}
