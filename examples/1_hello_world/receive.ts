// deno-lint-ignore-file no-console
import { connect, type Connection, type IterableConsumer } from "@warren/amqp";

/** Consumes the queue `hello`. */
export async function receive(connection: Connection): Promise<IterableConsumer> {
  const channel = await connection.openChannel();
  await channel.queueDeclare("hello");
  return await channel.basicConsume("hello", { noAck: true });
}

if (import.meta.main) {
  await using connection = await connect(Deno.args[0] ?? Deno.env.get("AMQP_URL"));
  const consumer = await receive(connection);
  console.log("Waiting for messages; Ctrl+C ends this.");
  for await (const delivery of consumer) console.log(`Received '${delivery.text()}'`);
}
