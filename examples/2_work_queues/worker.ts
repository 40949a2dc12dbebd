// deno-lint-ignore-file no-console
import { connect, type Connection, type IterableConsumer } from "@warren/amqp";

/** Consumes tasks, one at a time: the next one goes to whichever worker is free. */
export async function takeTasks(connection: Connection): Promise<IterableConsumer> {
  const channel = await connection.openChannel();
  await channel.queueDeclare("tasks", { durable: true });
  await channel.basicQos({ prefetchCount: 1 });
  return await channel.basicConsume("tasks");
}

/** Works as long as the task has dots. */
export async function work(task: string, secondsPerDot: number): Promise<void> {
  const dots = task.split(".").length - 1;
  await new Promise((resolve) => setTimeout(resolve, dots * secondsPerDot * 1000));
}

if (import.meta.main) {
  const secondsPerDot = Number(Deno.args[0] ?? 1);
  await using connection = await connect(Deno.env.get("AMQP_URL"));
  const tasks = await takeTasks(connection);
  console.log("Waiting for tasks; Ctrl+C ends this.");
  for await (const delivery of tasks) {
    console.log(`Received '${delivery.text()}'`);
    await work(delivery.text(), secondsPerDot);
    // only now: a task whose worker dies before this goes to another one
    delivery.ack();
    console.log("Done");
  }
}
