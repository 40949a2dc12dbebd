/** What every call takes that waits for something. */
export interface CallOptions {
  /** Gives up waiting when it aborts: the call rejects with the signal's reason. What was sent by then
   * is sent, and its answer is ignored. */
  readonly signal?: AbortSignal;
}

/**
 * Waits for a promise until a signal aborts.
 *
 * @param promise What is waited for.
 * @param signal Gives up.
 * @param late Takes the result that nobody waits for any more.
 */
export function abortable<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | undefined,
  late?: (result: Result) => void,
): Promise<Result> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      reject(signal.reason);
      promise.then(late, () => {});
    };
    if (signal.aborted) return giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    const done = () => signal.removeEventListener("abort", giveUp);
    promise.then(
      (result) => {
        done();
        resolve(result);
      },
      (error) => {
        done();
        reject(error);
      },
    );
  });
}
