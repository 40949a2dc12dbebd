// deno-lint-ignore-file no-console
import { type Channel, connect, type Connection, type Delivery } from "@warren/amqp";

/** Answers requests for Fibonacci numbers until its connection ends. */
export async function serve(connection: Connection): Promise<void> {
  const channel = await connection.openChannel();
  await channel.queueDeclare("fibonacci");
  await channel.basicQos({ prefetchCount: 1 });
  await channel.basicConsume("fibonacci", {}, (request) => answer(channel, request));
}

/** Publishes the reply to where the client wants it, with the id by which it knows its request. */
async function answer(channel: Channel, request: Delivery): Promise<void> {
  const { replyTo, correlationId = "" } = request.properties;
  const reply = String(fibonacci(Number(request.text())));
  await channel.basicPublish({ routingKey: replyTo ?? "", properties: { correlationId } }, reply);
  request.ack();
}

function fibonacci(n: number): number {
  let [current, next] = [0, 1];
  for (let step = 0; step < n; step++) [current, next] = [next, current + next];
  return current;
}

if (import.meta.main) {
  await using connection = await connect(Deno.env.get("AMQP_URL"));
  await serve(connection);
  console.log("Waiting for requests; Ctrl+C ends this.");
  await connection.closed;
}
