// deno-lint-ignore-file no-console -- a program: its output is what it is for
/**
 * What TLS costs: the same messages through the same broker, over TCP and over TLS in turn, with the
 * client in this process and the broker in another one.
 *
 * ```text
 * deno run -A bench/tools/tls.ts [--size=1024] [--count=100000] [--rounds=5]
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { programArguments, refuseUnknown } from "../support/arguments.ts";
import { connect, type Connection } from "../../mod.ts";
import { BackgroundProcess } from "../../tests/interop/background_process.ts";
import { CA, certificatePath } from "../../tests/support/certificates.ts";

const options = parseArgs(programArguments(), {
  unknown: refuseUnknown("tls"),
  string: ["size", "count", "rounds"],
  default: { size: "1024", count: "100000", rounds: "5" },
});
const [size, count, rounds] = [options.size, options.count, options.rounds].map(Number);
const body = new Uint8Array(size!).fill(7);

await using broker = new BackgroundProcess({
  command: Deno.execPath(),
  args: [
    ...["run", "-A", new URL("../../broker/main.ts", import.meta.url).pathname, "--memory"],
    ...["--port=0", "--tls-port=0", "--host=127.0.0.1", "--log-level=error"],
    `--tls-cert=${certificatePath("server.pem")}`,
    `--tls-key=${certificatePath("server.key")}`,
  ],
});
await broker.waitForOutput(/Server startup complete/, 30_000);
const [tcpUrl, tlsUrl] = [/amqp:\S+/, /amqps:\S+/].map((url) => url.exec(broker.output)![0]);
const dials = {
  TCP: () => connect(tcpUrl!),
  TLS: () => connect(tlsUrl!, { tls: { ca: CA } }),
};

const rates: Record<string, number[]> = { TCP: [], TLS: [] };
const handshakes: Record<string, number[]> = { TCP: [], TLS: [] };
for (let round = 0; round <= rounds!; round++) {
  for (const [name, dial] of Object.entries(dials)) {
    const rate = await relayed(dial);
    const opened = await opening(dial);
    if (round === 0) continue; // the compiler's
    rates[name]!.push(rate);
    handshakes[name]!.push(opened);
  }
}
const ratio = median(rates.TLS!) / median(rates.TCP!);
console.log(`published and delivered without acks, ${count} of ${size} bytes, ${rounds} rounds`);
for (const [name, all] of Object.entries(rates)) {
  console.log(
    `  ${name}: ${Math.round(median(all))} messages/s, ${
      median(handshakes[name]!).toFixed(1)
    } ms to open a connection`,
  );
}
console.log(`  TLS carries ${ratio.toFixed(2)} of what TCP does`);

/** Messages per second. */
async function relayed(dial: () => Promise<Connection>): Promise<number> {
  await using publisher = await dial();
  await using consumer = await dial();
  const from = await publisher.openChannel();
  const to = await consumer.openChannel();
  const { queue } = await to.queueDeclare();
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = count!;
  await to.basicConsume(queue, { noAck: true }, () => {
    if (--left === 0) resolve();
  });
  const started = performance.now();
  for (let sent = 0; sent < count!; sent++) {
    const room = from.basicPublish({ routingKey: queue }, body);
    if (room !== undefined) await room;
  }
  await promise;
  return count! / (performance.now() - started) * 1000;
}

/** Milliseconds for each of some connections, one after the other. */
async function opening(dial: () => Promise<Connection>): Promise<number> {
  const times = 20;
  const started = performance.now();
  for (let time = 0; time < times; time++) await (await dial()).close();
  return (performance.now() - started) / times;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? NaN;
}
