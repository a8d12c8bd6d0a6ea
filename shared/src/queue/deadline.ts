/** The other side did not answer in time. What it was asked to do may still happen. */
export class DeadlineError extends Error {
  constructor(what: string, deadlineMs: number) {
    super(`Gave up ${what} after ${deadlineMs} ms.`);
    this.name = 'DeadlineError';
  }
}

/** The promise's result, or DeadlineError after `deadlineMs`. The promise itself runs on; its late failure is swallowed. */
export async function withDeadline<T>(promise: Promise<T>, deadlineMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(what, deadlineMs)), deadlineMs);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
