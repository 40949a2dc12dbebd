// deno-lint-ignore-file no-console
import { connect, type Connection } from "@warren/amqp";

/** Publishes a line to everybody who listens at the moment. */
export async function emitLog(connection: Connection, line: string): Promise<void> {
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("logs", "fanout");
  await channel.basicPublish({ exchange: "logs" }, line);
}

if (import.meta.main) {
  const line = Deno.args.join(" ") || "info: Hello World!";
  await using connection = await connect(Deno.env.get("AMQP_URL"));
  await emitLog(connection, line);
  console.log(`Sent '${line}'`);
}
