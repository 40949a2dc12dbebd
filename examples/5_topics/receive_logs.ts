// deno-lint-ignore-file no-console
import { connect, type Connection, type IterableConsumer } from "@warren/amqp";

/**
 * Consumes the log lines whose topic matches one of the patterns: `*` stands for one word, `#` for
 * any number of them.
 */
export async function receiveLogs(
  connection: Connection,
  patterns: readonly string[],
): Promise<IterableConsumer> {
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("topic_logs", "topic");
  const { queue } = await channel.queueDeclare("", { exclusive: true });
  for (const pattern of patterns) {
    await channel.queueBind({ queue, exchange: "topic_logs", routingKey: pattern });
  }
  return await channel.basicConsume(queue, { noAck: true });
}

if (import.meta.main) {
  const patterns = Deno.args.length > 0 ? Deno.args : ["#"];
  await using connection = await connect(Deno.env.get("AMQP_URL"));
  const logs = await receiveLogs(connection, patterns);
  console.log(`Waiting for ${patterns.join(", ")}; Ctrl+C ends this.`);
  for await (const delivery of logs) console.log(`${delivery.routingKey}: ${delivery.text()}`);
}
