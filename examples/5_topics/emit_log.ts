// deno-lint-ignore-file no-console
import { connect, type Connection } from "@warren/amqp";

/** Publishes a line about a topic: words with dots between them, such as `kern.critical`. */
export async function emitLog(connection: Connection, topic: string, line: string): Promise<void> {
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("topic_logs", "topic");
  await channel.basicPublish({ exchange: "topic_logs", routingKey: topic }, line);
}

if (import.meta.main) {
  const [topic = "anonymous.info", ...words] = Deno.args;
  const line = words.join(" ") || "Hello World!";
  await using connection = await connect(Deno.env.get("AMQP_URL"));
  await emitLog(connection, topic, line);
  console.log(`Sent '${topic}': '${line}'`);
}
