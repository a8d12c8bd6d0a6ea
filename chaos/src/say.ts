/** Progress goes to standard error: the output is the result. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
