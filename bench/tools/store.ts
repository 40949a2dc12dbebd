// deno-lint-ignore-file no-console no-sync-fn-in-async-fn -- a program: its output is what it is for
/**
 * The store on this machine's disk: confirmed messages per second, large bodies, recovery, and bytes
 * on disk. Run with `deno run -A bench/tools/store.ts`; a directory as argument says where.
 *
 * @module
 */

import { DiskFileSystem } from "../../broker/store/file_system.ts";
import { Placement } from "../../broker/store/placement.ts";
import { Store } from "../../broker/store/store.ts";

const ENCODER = new TextEncoder();
/** Exchange "" and routing key "jobs", then delivery mode 2, as on the wire. */
const HEAD = new Uint8Array([0, 4, ...ENCODER.encode("jobs"), 0x10, 0x00, 2]);
const ADDRESS_SIZE = 6;
const LARGE_SIZE = 128 * 1024 * 1024;

function message(bodySize: number) {
  return {
    head: HEAD,
    addressStart: 0,
    addressEnd: ADDRESS_SIZE,
    propertiesStart: ADDRESS_SIZE,
    propertiesEnd: HEAD.length,
    body: new Uint8Array(bodySize).fill(7),
    bodyStart: 0,
    bodyEnd: bodySize,
  };
}

/** Publishes with a window of unconfirmed messages, and settles them when `settle`. */
async function confirmed(
  bodySize: number,
  options: { window: number; seconds: number; settle: boolean },
): Promise<number> {
  const directory = Deno.makeTempDirSync({ dir: Deno.args[0]! });
  const store = new Store({ files: new DiskFileSystem(directory) });
  const queue = store.queue(1);
  const content = message(bodySize);
  const placement = new Placement();
  let position = 0;
  let safe = 0;
  let asked = 0;
  const started = performance.now();
  const end = started + options.seconds * 1000;
  await new Promise<void>((resolve) => {
    const marks: number[] = [];
    const onSynced = () => {
      const to = marks.shift()!;
      if (options.settle) { for (let at = safe + 1; at <= to; at++) store.settle(queue, at); }
      safe = to;
      if (performance.now() > end) {
        if (marks.length === 0) resolve();
      } else publish();
    };
    const publish = () => {
      while (position - safe < options.window) {
        placement.clear();
        placement.add(queue, ++position);
        if (!store.append(content, placement)) throw new Error("Cannot append");
      }
      if (position > asked) {
        asked = position;
        marks.push(position);
        store.whenSynced(onSynced);
      }
    };
    publish();
  });
  const seconds = (performance.now() - started) / 1000;
  await store.close();
  Deno.removeSync(directory, { recursive: true });
  return safe / seconds;
}

async function recovery(count: number, bodySize: number): Promise<void> {
  const directory = Deno.makeTempDirSync({ dir: Deno.args[0]! });
  const content = message(bodySize);
  {
    const store = new Store({ files: new DiskFileSystem(directory) });
    const queue = store.queue(1);
    const placement = new Placement();
    const started = performance.now();
    for (let position = 1; position <= count; position++) {
      placement.clear();
      placement.add(queue, position);
      store.append(content, placement);
      if (position % 1000 === 0) {
        await new Promise<void>((resolve) => store.whenSynced(() => resolve()));
      }
    }
    const seconds = (performance.now() - started) / 1000;
    let written = 0;
    for (const entry of Deno.readDirSync(directory)) {
      written += Deno.statSync(`${directory}/${entry.name}`).size;
    }
    const perMessage = written / count;
    const payload = bodySize + HEAD.length - ADDRESS_SIZE;
    console.log(
      `${count} of ${bodySize} B: written in ${seconds.toFixed(2)} s, ${
        perMessage.toFixed(1)
      } bytes of file each, ${(perMessage / payload).toFixed(3)}x payload and properties`,
    );
    await store.close();
  }
  const before = Deno.memoryUsage();
  const started = performance.now();
  const store = new Store({ files: new DiskFileSystem(directory) });
  const seconds = (performance.now() - started) / 1000;
  const after = Deno.memoryUsage();
  const queue = store.queue(1);
  if (queue.count !== count) throw new Error(`Found ${queue.count}`);
  console.log(
    `  recovered in ${seconds.toFixed(2)} s (${(count / seconds / 1e6).toFixed(2)} M/s), rss +${
      ((after.rss - before.rss) / 1e6).toFixed(0)
    } MB`,
  );
  const readStarted = performance.now();
  let bytes = 0;
  const positions: number[] = [];
  let next = queue.next(0);
  while (next !== undefined) {
    positions.length = 0;
    while (next !== undefined && positions.length < 500) {
      positions.push(next);
      next = queue.next(next + 1);
    }
    store.readMany(queue, positions, (_, found) => {
      if ("code" in found) throw found;
      bytes += found.bodyEnd - found.bodyStart;
    });
  }
  const readSeconds = (performance.now() - readStarted) / 1000;
  if (bytes !== count * bodySize) throw new Error(`Read ${bytes}`);
  console.log(`  read back at ${(count / readSeconds / 1e6).toFixed(2)} M/s`);
  const drainStarted = performance.now();
  for (let at: number | undefined = 1; at <= count; at++) store.settle(queue, at);
  await new Promise<void>((resolve) => store.whenSynced(() => resolve()));
  console.log(
    `  settled at ${(count / (performance.now() - drainStarted) / 1000).toFixed(2)} M/s`,
  );
  await store.close();
  let left = 0;
  for (const entry of Deno.readDirSync(directory)) {
    left += Deno.statSync(`${directory}/${entry.name}`).size;
  }
  console.log(`  ${(left / 1e6).toFixed(0)} MB of files are left`);
  Deno.removeSync(directory, { recursive: true });
}

/** A body of 128 MiB: how soon it is safe, how long the event loop stands still, what it costs. */
async function large(bodyStays: boolean): Promise<void> {
  const directory = Deno.makeTempDirSync({ dir: Deno.args[0]! });
  const store = new Store({ files: new DiskFileSystem(directory) });
  const queue = store.queue(1);
  const content = message(LARGE_SIZE);
  const placement = new Placement();
  const rss = Deno.memoryUsage().rss;
  let peak = rss;
  let stall = 0;
  const started = performance.now();
  let last = started;
  const tick = () => {
    const now = performance.now();
    stall = Math.max(stall, now - last);
    last = now;
    peak = Math.max(peak, Deno.memoryUsage().rss);
  };
  const timer = setInterval(tick, 1);
  placement.bodyStays = bodyStays;
  placement.add(queue, 1);
  store.append(content, placement);
  await new Promise<void>((resolve) => store.whenSynced(() => resolve()));
  tick();
  clearInterval(timer);
  const found = store.read(queue, 1);
  if (found === undefined || "code" in found || found.bodyEnd !== LARGE_SIZE) {
    throw new Error("Cannot read the body back");
  }
  console.log(
    `${LARGE_SIZE >>> 20} MiB that ${bodyStays ? "stay" : "are copied"}: safe after ${
      (last - started).toFixed(0)
    } ms, longest turn ${stall.toFixed(0)} ms, rss +${((peak - rss) / 1e6).toFixed(0)} MB`,
  );
  await store.close();
  Deno.removeSync(directory, { recursive: true });
}

// Not a part of `deno bench`: it measures a disk, for half a minute.
if (import.meta.main) {
  console.log("Confirmed messages per second, an fdatasync before each confirm:");
  for (const bodySize of [16, 1024]) {
    for (const window of [1, 100, 1000]) {
      for (const settle of [false, true]) {
        const rate = await confirmed(bodySize, { window, seconds: 2, settle });
        console.log(
          `  ${bodySize} B, window ${window}${settle ? ", settled" : ""}: ${rate.toFixed(0)}/s`,
        );
      }
    }
  }
  for (const bodyStays of [true, false]) await large(bodyStays);
  await recovery(1_000_000, 100);
  await recovery(200_000, 1024);
}
