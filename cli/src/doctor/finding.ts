/** One thing that was looked at. */
export interface Finding {
  check: string;
  /** `note`: nothing to repair, but to be known. */
  level: 'ok' | 'note' | 'wrong';
  /** What was found, a sentence. */
  finding: string;
  /** What to do; null where there is nothing to do. */
  action: string | null;
}

export function ok(check: string, finding: string): Finding {
  return { check, level: 'ok', finding, action: null };
}

export function note(check: string, finding: string, action: string | null = null): Finding {
  return { check, level: 'note', finding, action };
}

export function wrong(check: string, finding: string, action: string): Finding {
  return { check, level: 'wrong', finding, action };
}
