// deno-lint-ignore-file no-console -- a program of its own
/**
 * From `new Broker()` to the first delivery, once, in a process that has just started. Prints
 * milliseconds: of that, and of importing the module.
 *
 * @module
 */
const beforeImport = performance.now();
const { Broker } = await import("../../../mod.ts");
const started = performance.now();

const broker = new Broker();
const connection = await broker.connect();
const channel = await connection.openChannel();
const { queue } = await channel.queueDeclare("");
const delivered = Promise.withResolvers<number>();
await channel.basicConsume(queue, { noAck: true }, () => delivered.resolve(performance.now()));
channel.basicPublish({ routingKey: queue }, new Uint8Array(16));
const first = await delivered.promise;

console.log(`${first - started} ${started - beforeImport}`);
await broker.close();
