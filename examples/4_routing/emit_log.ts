// deno-lint-ignore-file no-console
import { connect, type Connection } from "@warren/amqp";

/** Publishes a line to those who listen to this severity. */
export async function emitLog(
  connection: Connection,
  severity: string,
  line: string,
): Promise<void> {
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("direct_logs", "direct");
  await channel.basicPublish({ exchange: "direct_logs", routingKey: severity }, line);
}

if (import.meta.main) {
  const [severity = "info", ...words] = Deno.args;
  const line = words.join(" ") || "Hello World!";
  await using connection = await connect(Deno.env.get("AMQP_URL"));
  await emitLog(connection, severity, line);
  console.log(`Sent '${severity}': '${line}'`);
}
