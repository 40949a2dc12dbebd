/**
 * Waits for something that may hang, and says what did.
 *
 * @param ms How long it may take: far longer than it does, on a machine that is busy with other things.
 * @param work What is waited for.
 * @param what Tells what it was doing, when it took longer.
 */
export async function within<Result>(
  ms: number,
  work: Promise<Result>,
  what: () => string,
): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new Error(`It hangs, or takes over ${ms} ms: ${what()}`));
  }, ms);
  work.catch(() => {}); // it may fail after that
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
