// deno-lint-ignore-file no-console -- a program: its output is what it is for
/**
 * How long everything else waits while the management API tells of many queues: the longest pause of
 * the event loop during each request.
 *
 * ```text
 * deno run -A bench/tools/management_pause.ts [queues=50000]
 * ```
 *
 * @module
 */
import { manage } from "../../broker/management/mod.ts";
import { Broker } from "../../mod.ts";

const QUEUES = Number(Deno.args[0] ?? 50_000);
const PATHS = [
  "/overview",
  "/queues?page=1&page_size=100",
  "/queues?page=1&page_size=100&sort=messages&sort_reverse=true",
  "/queues?page=1&page_size=100&name=99&use_regex=true",
  "/queues?columns=name,messages",
  "/queues",
  "/bindings",
  "/vhosts",
  "/definitions",
];

await using broker = new Broker({ passwordHashing: "rabbitmq-sha256" });
for (let number = 0; number < QUEUES; number++) {
  await broker.declareQueue({ queue: `queue.${number}` });
}
using management = manage(broker);
const headers = { authorization: `Basic ${btoa("guest:guest")}` };
const peer = { hostname: "127.0.0.1", port: 1 };

/** The longest time between two rounds of the event loop while something is done. */
async function longestPause(action: () => Promise<void>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let running = true;
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (running) channel.port2.postMessage(0);
  };
  channel.port2.postMessage(0);
  last = performance.now();
  await action();
  running = false;
  channel.port1.close();
  channel.port2.close();
  return longest;
}

async function ask(path: string): Promise<void> {
  const request = new Request(`http://localhost/api${path}`, { headers });
  const response = await management.handle(request, peer);
  for await (const _ of response.body ?? []);
}

for (const path of PATHS) {
  await ask(path); // once, so that it is compiled
  const started = performance.now();
  const pause = await longestPause(() => ask(path));
  const took = performance.now() - started;
  console.log(`${path}: ${took.toFixed(0)} ms, longest pause ${pause.toFixed(1)} ms`);
}
const idle = await longestPause(() => new Promise((resolve) => setTimeout(resolve, 11_000)));
console.log(`sampling, 11 s: longest pause ${idle.toFixed(1)} ms`);
