/** What to do with one more line of a text: null holds it back, a number writes it and says how many were held back before. */
export type RepeatFilter = (text: string) => number | null;

/** Of one text, this many lines are written in a window; an outage would otherwise write a hundred lines a second. */
const LINES_A_WINDOW = 5;
const WINDOW_MS = 10_000;

/** A filter over texts that are few and fixed. The first lines of a text, and those of each later window, are never held back. */
export function createRepeatFilter(nowMs: () => number = () => performance.now()): RepeatFilter {
  const windows = new Map<string, { endsMs: number; written: number; heldBack: number }>();
  return (text) => {
    const now = nowMs();
    let window = windows.get(text);
    if (!window || window.endsMs <= now) {
      window = { endsMs: now + WINDOW_MS, written: 0, heldBack: window?.heldBack ?? 0 };
      windows.set(text, window);
    }
    if (window.written >= LINES_A_WINDOW) {
      window.heldBack++;
      return null;
    }
    window.written++;
    const { heldBack } = window;
    window.heldBack = 0;
    return heldBack;
  };
}
