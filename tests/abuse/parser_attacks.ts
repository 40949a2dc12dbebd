import { queueDelete } from "../../broker/amqp/methods/mod.ts";
import { concat } from "@std/bytes";
import { frame } from "../amqp/frames.ts";
import { logIn, times } from "./client.ts";
import type { Attack } from "./terms.ts";

/**
 * By what is hard to read: tables in tables, and expressions that never come to an end.
 *
 * @module
 */

const BOMBS = ["^(a+)+$", "(a|aa)+$", "^(.*a){20}$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"];

export const NESTED_TABLES: Attack = {
  name: "tables nested 10 000 deep",
  full: 2000,
  small: 20,
  growthMax: 250,
  async run({ port }, count) {
    const declare = nestedDeclare(10_000);
    let refused = 0;
    await times(count, 20, async () => {
      const peer = await logIn(port);
      await peer.sendBytes(declare);
      const { replyCode } = await peer.expect(0, "connection.close");
      if (replyCode === 502) refused++;
      peer.close();
    });
    return `${refused} of ${count} refused with 502`;
  },
  accept: (saw, count) => saw === `${count} of ${count} refused with 502`,
};

export const REGEX_BOMBS: Attack = {
  name: "regex bombs as permissions",
  full: 2000,
  small: 10,
  growthMax: 150,
  byOperator: true,
  async run({ port, permit }, count) {
    const [peer, name] = [await logIn(port), "a".repeat(254) + "!"];
    let refused = 0;
    for (let index = 0; index < count; index++) {
      const answer = await permit(BOMBS[index % BOMBS.length]!);
      if (answer !== "set") refused++;
      // what was let through must be harmless to whoever it applies to
      else await peer.send(1, queueDelete({ queue: name }));
    }
    for (let index = refused; index < count; index++) await peer.next();
    await permit(".*");
    peer.close();
    return `${refused} of ${count} refused`;
  },
  accept: (saw, count) => saw === `${count} of ${count} refused`,
};

/** `queue.declare` whose arguments are tables in tables. */
export function nestedDeclare(depth: number): Uint8Array {
  // a name of one letter, F, and the size of what is inside
  const size = 7 * (depth - 1);
  const table = new Uint8Array(4 + size);
  const view = new DataView(table.buffer);
  view.setUint32(0, size);
  for (let level = 1; level < depth; level++) {
    const at = 7 * level - 3;
    table.set([1, 0x74, 0x46], at);
    view.setUint32(at + 3, size - 7 * level);
  }
  const head = [0, 50, 0, 10, 0, 0, 1, 0x71, 0];
  return frame(1, 1, concat([Uint8Array.from(head), table]));
}
