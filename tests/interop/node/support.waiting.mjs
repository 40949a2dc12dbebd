/** What programs of all Node's clients share: fresh names, waiting for what comes, the broker's end. */

import { randomUUID } from "node:crypto";
import process from "node:process";

/** How long something may take before it counts as missing, in milliseconds. */
const PATIENCE = 60_000;

/** A name that no other run uses. */
export function unique(name) {
  return `${name}-${randomUUID().slice(0, 8)}`;
}

/** What has come so far, and a way to wait for more. */
export class Inbox {
  items = [];
  #waiting = [];

  push(item) {
    this.items.push(item);
    this.#waiting = this.#waiting.filter((check) => !check());
  }

  /** Waits until what has come is enough. */
  async until(enough, what) {
    await new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${what}: waited, and there is ${JSON.stringify(this.items)}`)),
        PATIENCE,
      );
      const check = () => {
        if (!enough(this.items)) return false;
        clearTimeout(timer);
        resolve();
        return true;
      };
      if (!check()) this.#waiting.push(check);
    });
    return this.items;
  }
}

/** Has the broker ended and started again: `restart` in an orderly way, `kill` without. */
export async function controlBroker(action) {
  const { ok } = await fetch(process.env.INTEROP_CONTROL_URL + action, { method: "POST" });
  if (!ok) throw new Error(`Cannot ${action} the broker`);
}
