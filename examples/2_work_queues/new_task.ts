// deno-lint-ignore-file no-console
import { connect, type Connection } from "@warren/amqp";

/** Publishes a task and waits until the broker has taken responsibility for it. */
export async function newTask(connection: Connection, task: string): Promise<void> {
  const channel = await connection.openChannel();
  await channel.queueDeclare("tasks", { durable: true });
  await channel.confirmSelect();
  // deliveryMode 2 is persistent: a durable queue alone would survive a restart empty
  await channel.basicPublish({ routingKey: "tasks", properties: { deliveryMode: 2 } }, task);
}

if (import.meta.main) {
  const task = Deno.args.join(" ") || "Sweep the burrow...";
  await using connection = await connect(Deno.env.get("AMQP_URL"));
  await newTask(connection, task);
  console.log(`Sent '${task}'`);
}
