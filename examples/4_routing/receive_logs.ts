// deno-lint-ignore-file no-console
import { connect, type Connection, type IterableConsumer } from "@warren/amqp";

/** Consumes the log lines of some severities. */
export async function receiveLogs(
  connection: Connection,
  severities: readonly string[],
): Promise<IterableConsumer> {
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("direct_logs", "direct");
  const { queue } = await channel.queueDeclare("", { exclusive: true });
  for (const severity of severities) {
    await channel.queueBind({ queue, exchange: "direct_logs", routingKey: severity });
  }
  return await channel.basicConsume(queue, { noAck: true });
}

if (import.meta.main) {
  const severities = Deno.args.length > 0 ? Deno.args : ["info", "warning", "error"];
  await using connection = await connect(Deno.env.get("AMQP_URL"));
  const logs = await receiveLogs(connection, severities);
  console.log(`Waiting for ${severities.join(", ")}; Ctrl+C ends this.`);
  for await (const delivery of logs) console.log(`${delivery.routingKey}: ${delivery.text()}`);
}
