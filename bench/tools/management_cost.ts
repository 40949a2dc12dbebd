// deno-lint-ignore-file no-console -- a program: its output is what it is for
/**
 * What the management API costs: messages routed each second while five browsers look at it once a
 * second, as a part of what is routed without it. The two take turns in one process.
 *
 * ```text
 * deno run -A bench/tools/management_cost.ts [rounds=5]
 * ```
 *
 * @module
 */
import { manage } from "../../broker/management/mod.ts";
import { Broker } from "../../mod.ts";

const ROUNDS = Number(Deno.args[0] ?? 5);
const ROUND_MS = 3000;
const BROWSERS = 5;
const QUEUES = 200;
const BOUND = 20;
/** What a page with charts, queues and connections asks for. */
const PATHS = [
  "/overview?msg_rates_age=60&msg_rates_incr=5&lengths_age=60&lengths_incr=5",
  "/queues?page=1&page_size=100",
  "/connections",
  "/nodes",
];

await using broker = new Broker({ passwordHashing: "rabbitmq-sha256" });
await using connection = await broker.connect();
const channel = await connection.openChannel();
await channel.exchangeDeclare("news", "topic");
for (let number = 0; number < QUEUES; number++) {
  const queue = `queue.${number}`;
  await channel.queueDeclare(queue);
  if (number >= BOUND) continue;
  await channel.queueBind({ queue, exchange: "news", routingKey: `news.${number}` });
  await channel.basicConsume(queue, { noAck: true }, () => {});
}

/** Publishes for a while; how many messages each millisecond. */
async function publishFor(ms: number): Promise<number> {
  const end = performance.now() + ms;
  let count = 0;
  while (performance.now() < end) {
    for (let turn = 0; turn < 500; turn++) {
      const routingKey = `news.${count++ % BOUND}`;
      await channel.basicPublish({ exchange: "news", routingKey }, "x");
    }
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return count / ms;
}

const headers = { authorization: `Basic ${btoa("guest:guest")}` };
const peer = { hostname: "127.0.0.1", port: 1 };

using management = manage(broker);
const look = async () => {
  for (const path of PATHS) {
    const request = new Request(`http://localhost/api${path}`, { headers });
    await (await management.handle(request, peer)).text();
  }
};

// so that all is compiled
await publishFor(ROUND_MS);
for (let time = 0; time < 100; time++) await look();
const ratios: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const without = await publishFor(ROUND_MS);
  const timers = Array.from({ length: BROWSERS }, () => setInterval(look, 1000));
  const polled = await publishFor(ROUND_MS);
  for (const timer of timers) clearInterval(timer);
  ratios.push(polled / without);
}
const median = ratios.toSorted()[Math.floor(ratios.length / 2)]!;
console.log(`each round: ${ratios.map((ratio) => ratio.toFixed(3)).join(" ")}`);
console.log(`routed while it is looked at, of what is routed without: ${median.toFixed(3)}`);
