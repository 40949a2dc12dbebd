/**
 * What the programs in this folder share: one client under one load, measured from inside.
 *
 * The client says how it does each thing, as its own documentation tells; this says what is done and
 * how long. For each line of standard input the load is run once, on the same client, and
 * `{ "messages", "seconds", "cpuSeconds", "allocated" }` is printed: so clients can take turns, each of
 * them warm.
 *
 * With a number of messages instead of seconds, the load is run that long a few times before the first
 * line, each time by another client, so that all is compiled; and what is allocated meanwhile is
 * counted, in bytes.
 *
 * @module
 */
import process from "node:process";
import { createInterface } from "node:readline";

/** Bytes of a body. */
const BODY = new Uint8Array(100).fill(120);
/** Confirms, and unacked messages, that are under way at once. */
const WINDOW = 200;
/** Calls that are under way at once. */
const CALLS = 20;
/** So many messages are consumed for each second that a load is to take. */
const CONSUMED_A_SECOND = 60_000;

/** So often a load is run before it is measured by its number of messages. */
const WARM_UPS = 3;

const [load, url] = [process.argv[2], process.argv[3]];
const [, amount, unit] = /^([0-9.]+)(s|messages)$/.exec(process.argv[4]);
const seconds = unit === "s" ? Number(amount) : 0;
const total = unit === "s" ? 0 : Number(amount);
let queue = newQueue();

function newQueue() {
  return `bench-${crypto.randomUUID()}`;
}

/** Each load makes what can be run again and again, which tells how many messages that were. */
const LOADS = {
  async publish(client) {
    await client.declare(queue, { "x-max-length": 1000 });
    return (measure) =>
      measure(async (until) => {
        const count = await client.publish(queue, BODY, until);
        await client.declare(queue, { "x-max-length": 1000 }); // answered when all have been taken
        return count;
      });
  },
  async confirm(client) {
    await client.declare(queue, { "x-max-length": 1000 });
    const publish = await client.confirming(queue, BODY);
    return (measure) => measure((until) => inTurns(WINDOW, until, publish));
  },
  // deno-lint-ignore require-await -- as the others
  async consume(client) {
    return async (measure) => {
      const filled = newQueue(); // that of the turn before still has its consumer
      await client.declare(filled, {});
      const count = total || Math.round(CONSUMED_A_SECOND * seconds);
      const publish = await client.confirming(filled, BODY);
      let left = count;
      await inTurns(WINDOW, () => left-- > 0, publish);
      return await measure(async (until) => {
        let consumed = 0;
        const isLast = () => {
          until(); // looks at what is measured
          return ++consumed === count;
        };
        await client.consume(filled, WINDOW, isLast);
        return count;
      });
    };
  },
  async rpc(client) {
    const call = await client.rpc(queue, BODY);
    await call();
    return (measure) => measure((until) => inTurns(1, until, call));
  },
  async rpcs(client) {
    const call = await client.rpc(queue, BODY);
    await call();
    return (measure) => measure((until) => inTurns(CALLS, until, call));
  },
};

/** Does something so many times at once, again and again; tells how often. */
async function inTurns(width, until, run) {
  let count = 0;
  const one = async () => {
    while (until()) {
      await run();
      count++;
    }
  };
  await Promise.all(Array.from({ length: width }, one));
  return count;
}

/** Counts messages, and now and then what was allocated: less than before means that some was freed. */
function countdown(allocations) {
  let left = total;
  return () => {
    if (left % 64 === 0) allocations.look();
    return left-- > 0;
  };
}

/** Adds up by how much the heap and the buffers outside of it grow. */
class Allocations {
  bytes = 0;
  #before = used();

  look() {
    const now = used();
    if (now > this.#before) this.bytes += now - this.#before;
    this.#before = now;
  }
}

function used() {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Looking at the clock for each message would be part of the load. */
function deadline() {
  const end = performance.now() + seconds * 1000;
  let looks = 0;
  let going = true;
  return () => {
    if (++looks % 64 === 0) going = performance.now() < end;
    return going;
  };
}

const idle = { look() {} };

/**
 * Runs the load that the command line names, once for each line of standard input.
 *
 * @param connect Makes the client, given a URL and whether small packets are to be sent at once: with
 * calls the clients of Node would otherwise wait for the kernel, and with messages in masses they are
 * faster when they do.
 */
export async function runWorker(connect) {
  const noDelay = load.startsWith("rpc");
  for (let left = total > 0 ? WARM_UPS : 0; left > 0; left--) {
    const run = await LOADS[load](await connect(url, noDelay));
    await run((run) => run(countdown(idle)));
    queue = newQueue();
  }
  const run = await LOADS[load](await connect(url, noDelay));
  for await (const _ of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await run(measure))}\n`);
  }
  // nothing is closed: some fail at that while their last acks are under way
  process.exit(0);
}

async function measure(run) {
  const allocations = new Allocations();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const end = deadline();
  // with calls one at a time the clock is looked at for each
  let until = load === "rpc" ? () => performance.now() < start + seconds * 1000 : end;
  if (total > 0) until = countdown(allocations);
  const messages = await run(until);
  const { user, system } = process.cpuUsage(cpu);
  allocations.look();
  return {
    messages,
    seconds: (performance.now() - start) / 1000,
    cpuSeconds: (user + system) / 1e6,
    allocated: allocations.bytes,
  };
}
