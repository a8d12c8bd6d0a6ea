/** Rows of text in aligned columns under their headings; numbers to the right. Long cells are cut to fit. */
export function textTable(
  headings: readonly string[],
  rows: readonly (string | number)[][],
  maxWidth = 36,
): string {
  const cut = (cell: string | number): string => {
    const text = String(cell);
    return text.length > maxWidth ? `${text.slice(0, maxWidth - 1)}…` : text;
  };
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => cut(row[column] ?? '').length)),
  );
  const line = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return typeof cell === 'number' ? cut(cell).padStart(width) : cut(cell).padEnd(width);
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [line(headings), rule, ...rows.map(line)].map((text) => `  ${text}`).join('\n');
}
