// deno-lint-ignore-file no-console
import { connect, type Connection } from "@warren/amqp";

/** Publishes a text to the queue `hello`. */
export async function send(connection: Connection, text: string): Promise<void> {
  const channel = await connection.openChannel();
  // both ends declare the queue, so that either may be started first
  await channel.queueDeclare("hello");
  await channel.basicPublish({ routingKey: "hello" }, text);
}

if (import.meta.main) {
  await using connection = await connect(Deno.args[0] ?? Deno.env.get("AMQP_URL"));
  await send(connection, "Hello World!");
  console.log("Sent 'Hello World!'");
}
