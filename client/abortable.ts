import { checkOptions, type OptionNames } from "./fields.ts";

/** What every call takes that waits for something. */
export interface CallOptions {
  /** Gives up waiting when it aborts: the call rejects with the signal's reason. What was sent by then
   * is sent, and its answer is ignored. */
  readonly signal?: AbortSignal;
}

const NAMES: OptionNames<CallOptions> = { signal: true };

/**
 * Checks the options of a call that has no others than a signal.
 *
 * @param options What was given.
 * @param verb What it does.
 * @throws {TypeError} When there is no such option.
 */
export function checkCall(options: CallOptions, verb: string): void {
  checkOptions(options, NAMES, verb);
}

/**
 * Waits for an end that comes by itself; when the signal aborts, ends it at once instead.
 *
 * @param end What is waited for.
 * @param signal Gives up waiting; it may have aborted.
 * @param now Ends it at once.
 * @throws The signal's reason.
 */
export async function endOr(
  end: Promise<void>,
  signal: AbortSignal | undefined,
  now: () => void,
): Promise<void> {
  try {
    await abortable(end, signal);
  } catch (error) {
    if (signal?.aborted) now();
    throw error;
  }
}

/**
 * Calls back when a signal aborts while a promise is pending: for who can tell whether it still is.
 *
 * @param signal The signal; it may have aborted.
 * @param promise The promise.
 * @param giveUp Called at most once.
 */
export function onAbort(
  signal: AbortSignal,
  promise: Promise<unknown>,
  giveUp: () => void,
): void {
  if (signal.aborted) return giveUp();
  signal.addEventListener("abort", giveUp, { once: true });
  const done = () => signal.removeEventListener("abort", giveUp);
  promise.then(done, done);
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
      // whatever comes of it, there is nobody to tell
      promise.then(late).catch(() => {});
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
