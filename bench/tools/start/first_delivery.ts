// deno-lint-ignore-file no-console -- a program of its own
/**
 * From `new Broker()` to the first delivery, in a process that has just started, where nothing is
 * compiled yet, and then with more brokers in the same process, as tests have them. Prints
 * milliseconds: of importing the module, of the first broker, and the median of the later ones.
 *
 * @module
 */
import { median } from "../../support/compare/results.ts";

const LATER = 20;

const beforeImport = performance.now();
const { Broker } = await import("../../../mod.ts");
const imported = performance.now() - beforeImport;
const first = await firstDelivery();
const later: number[] = [];
while (later.length < LATER) later.push(await firstDelivery());
console.log(`${imported} ${first} ${median(later)}`);

async function firstDelivery(): Promise<number> {
  const started = performance.now();
  await using broker = new Broker();
  const connection = await broker.connect();
  const channel = await connection.openChannel();
  const { queue } = await channel.queueDeclare("");
  const delivered = Promise.withResolvers<number>();
  await channel.basicConsume(queue, { noAck: true }, () => delivered.resolve(performance.now()));
  channel.basicPublish({ routingKey: queue }, new Uint8Array(16));
  return await delivered.promise - started;
}
