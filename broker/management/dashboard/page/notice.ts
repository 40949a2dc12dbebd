import { h } from "./dom.ts";

const SHOWN_MS = 6000;
const region = h("div", { class: "notices", role: "status", "aria-live": "polite" });

/** Where notices appear. */
export function notices(): HTMLElement {
  return region;
}

/** Tells what was done, or why it was not. */
export function notify(text: string, kind: "done" | "failed" = "done"): void {
  const notice = h("p", { class: `notice ${kind}` }, text);
  region.append(notice);
  setTimeout(() => notice.remove(), SHOWN_MS);
}

/** Does something, and tells how it went. True when it went well. */
export async function attempt(work: Promise<unknown>, done: string): Promise<boolean> {
  try {
    await work;
    if (done !== "") notify(done);
    return true;
  } catch (error) {
    notify(error instanceof Error ? error.message : `${error}`, "failed");
    return false;
  }
}
