// deno-lint-ignore-file no-console
import { Broker } from "@warren/amqp";

await using broker = new Broker();
await using connection = await broker.connect();
const channel = await connection.openChannel();

await channel.queueDeclare("jobs");
const jobs = await channel.basicConsume("jobs");
await channel.basicPublish({ routingKey: "jobs" }, "sweep the burrow");

for await (const job of jobs) {
  console.log(job.text());
  job.ack();
  break;
}
