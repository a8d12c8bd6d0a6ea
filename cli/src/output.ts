/** Whether a command's result is for a program or for a person. */
export interface OutputOptions {
  json?: boolean;
}

/** Writes a command's result to stdout: with `--json` the object as the one last line, otherwise the text. */
export function writeResult(options: OutputOptions, result: object, text: string): void {
  process.stdout.write(`${options.json ? JSON.stringify(result) : text}\n`);
}

/** Writes to stderr, where a program that reads the result does not look. */
export function writeNote(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Rows as columns under headings, for a person. */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, index) =>
    Math.max(heading.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  return [headings, ...rows].map(line).join('\n');
}
