// deno-lint-ignore-file no-console
import { connect, type Connection, type IterableConsumer } from "@warren/amqp";

/** Consumes all log lines from now on, through a queue of its own. */
export async function receiveLogs(connection: Connection): Promise<IterableConsumer> {
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("logs", "fanout");
  // the broker chooses the name, and deletes the queue when the connection ends
  const { queue } = await channel.queueDeclare("", { exclusive: true });
  await channel.queueBind({ queue, exchange: "logs" });
  return await channel.basicConsume(queue, { noAck: true });
}

if (import.meta.main) {
  await using connection = await connect(Deno.env.get("AMQP_URL"));
  const logs = await receiveLogs(connection);
  console.log("Waiting for logs; Ctrl+C ends this.");
  for await (const delivery of logs) console.log(delivery.text());
}
