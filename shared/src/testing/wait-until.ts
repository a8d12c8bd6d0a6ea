import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** A bound on hangs, not on a busy machine. Defaults to 60,000. */
  timeoutMs?: number;
  /** What was waited for, for the failure. */
  message?: string;
}

type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined>;

/**
 * Waits until the condition gives something truthy, and gives that. Looks every 20 ms. Throws with the message once
 * the time is over, and at once with whatever the condition throws.
 */
export async function waitUntil<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Truthy<T>> {
  const { timeoutMs = 60_000, message = condition.toString() } = options;
  const startedAt = Date.now();
  for (;;) {
    const result = await condition();
    if (result) return result as Truthy<T>;
    if (Date.now() - startedAt > timeoutMs) throw new Error(`Waited ${timeoutMs} ms in vain: ${message}`);
    await delay(20);
  }
}
