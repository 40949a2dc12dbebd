// deno-lint-ignore-file no-console -- a program: its output is what it is for
/** Appends and settles until it is killed, and prints what is safe: a line per sync. */
import { DiskFileSystem } from "../../broker/store/file_system.ts";
import { Placement } from "../../broker/store/placement.ts";
import { Store } from "../../broker/store/store.ts";
import { message } from "./harness.ts";

const store = new Store({
  files: new DiskFileSystem(Deno.args[0]!),
  segmentSize: 64 * 1024,
});
const queue = store.queue(1);
const placement = new Placement();
let position = queue.highest;
let settled = (queue.next(0) ?? position + 1) - 1;

function publish(): void {
  for (let count = 0; count < 20; count++) {
    placement.clear();
    placement.add(queue, ++position);
    store.append(message(new TextEncoder().encode(`body ${position}`.padEnd(200))), placement);
  }
  while (position - settled > 300) store.settle(queue, ++settled);
  const safe = position;
  const gone = settled;
  store.whenSynced((error) => {
    if (error !== undefined) throw error;
    console.log(`${gone} ${safe}`);
    publish();
  });
}
publish();
