import type { Api } from "./api.ts";

/** So much more time passes between questions than their answers take. */
const REST = 10;

/** Where something is wrong, nobody is pressed. */
const AFTER_ERROR_MS = 2000;

/** What a page is given. */
export interface View {
  readonly api: Api;
  /** Where it goes. */
  readonly main: HTMLElement;
  /** The names in its address. */
  readonly names: readonly string[];
  /** The vhost that was chosen; undefined for all. */
  readonly vhost: string | undefined;
  /** What the user is: `administrator` and the like. */
  readonly tags: readonly string[];
  /** Ends when another page is shown. */
  readonly signal: AbortSignal;
  /** Tells how something that is done again and again went: undefined when well. */
  readonly report: (about: object, error?: unknown) => void;
}

/** True for who may do what a tag allows. */
export function may({ tags }: View, tag: string): boolean {
  return tags.includes("administrator") || tags.includes(tag);
}

/** Makes a page. */
export type Page = (view: View) => void | Promise<void>;

/**
 * Does something now and again and again, as long as the page is shown and looked at. What takes long is
 * done less often.
 *
 * @returns Does it now.
 */
export function repeat(
  view: View,
  everyMs: number,
  work: () => Promise<void>,
): () => Promise<void> {
  let timer = 0;
  let running: Promise<void> | undefined;
  const run = async () => {
    clearTimeout(timer);
    const begun = performance.now();
    let wait = everyMs;
    try {
      if (!document.hidden) {
        await work();
        view.report(run);
      }
    } catch (error) {
      if (!view.signal.aborted) view.report(run, error);
      wait = Math.max(wait, AFTER_ERROR_MS);
    }
    if (view.signal.aborted) return;
    timer = setTimeout(now, Math.max(wait, (performance.now() - begun) * REST));
  };
  const now = () => running ??= run().finally(() => running = undefined);
  document.addEventListener("visibilitychange", () => void now(), { signal: view.signal });
  view.signal.addEventListener("abort", () => clearTimeout(timer));
  void now();
  return async () => {
    await running;
    await now();
  };
}
