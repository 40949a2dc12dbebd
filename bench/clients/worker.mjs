/**
 * What the programs in this folder share: one client under one load, measured from inside.
 *
 * The client says how it does each thing, as its own documentation tells; this says what is done and
 * how long, and prints `{ "messages", "seconds", "cpuSeconds" }`.
 *
 * @module
 */
import process from "node:process";

/** Bytes of a body. */
const BODY = new Uint8Array(100).fill(120);
/** Confirms, and unacked messages, that are under way at once. */
const WINDOW = 200;
/** Calls that are under way at once. */
const CALLS = 20;
/** So many messages are consumed for each second that a load is to take. */
const CONSUMED_A_SECOND = 30_000;

const [load, url, seconds] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const queue = `bench-${crypto.randomUUID()}`;

/** Each load runs and tells how many messages that were. */
const LOADS = {
  async publish(client, measure) {
    await client.declare(queue, { "x-max-length": 1000 });
    return await measure(async (until) => {
      const count = await client.publish(queue, BODY, until);
      await client.declare(queue, { "x-max-length": 1000 }); // answered when all have been taken
      return count;
    });
  },
  async confirm(client, measure) {
    await client.declare(queue, { "x-max-length": 1000 });
    const publish = await client.confirming(queue, BODY);
    return await measure((until) => inTurns(WINDOW, until, publish));
  },
  async consume(client, measure) {
    await client.declare(queue, {});
    const count = CONSUMED_A_SECOND * seconds;
    const publish = await client.confirming(queue, BODY);
    let left = count;
    await inTurns(WINDOW, () => left-- > 0, publish);
    return await measure(async () => {
      await client.consume(queue, WINDOW, count);
      return count;
    });
  },
  async rpc(client, measure) {
    const call = await client.rpc(queue, BODY);
    await call();
    return await measure((until) => inTurns(1, until, call));
  },
  async rpcs(client, measure) {
    const call = await client.rpc(queue, BODY);
    await call();
    return await measure((until) => inTurns(CALLS, until, call));
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

/**
 * Runs the load that the command line names.
 *
 * @param connect Makes the client, given a URL and whether small packets are to be sent at once: with
 * calls the clients of Node would otherwise wait for the kernel, and with messages in masses they are
 * faster when they do.
 */
export async function runWorker(connect) {
  const client = await connect(url, load.startsWith("rpc"));
  const measure = async (run) => {
    const cpu = process.cpuUsage();
    const start = performance.now();
    const end = deadline();
    // with calls one at a time the clock is looked at for each
    const messages = await run(
      load === "rpc" ? () => performance.now() < start + seconds * 1000 : end,
    );
    const { user, system } = process.cpuUsage(cpu);
    return {
      messages,
      seconds: (performance.now() - start) / 1000,
      cpuSeconds: (user + system) / 1e6,
    };
  };
  const figures = await LOADS[load](client, measure);
  await client.close();
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  process.exit(0);
}
