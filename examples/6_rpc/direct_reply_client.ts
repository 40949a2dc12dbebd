// deno-lint-ignore-file no-console
import { connect, type Connection } from "@warren/amqp";

/** A name that stands for the channel itself: replies come without a queue in between. */
const DIRECT_REPLY_TO = "amq.rabbitmq.reply-to";

/** Asks for the n-th Fibonacci number. */
export async function fibonacci(connection: Connection, n: number): Promise<number> {
  await using channel = await connection.openChannel();
  // before the request, and without acks: there is nothing that could keep a reply
  const replies = await channel.basicConsume(DIRECT_REPLY_TO, { noAck: true });
  const correlationId = crypto.randomUUID();
  await channel.basicPublish({
    routingKey: "fibonacci",
    properties: { replyTo: DIRECT_REPLY_TO, correlationId },
  }, String(n));
  for await (const reply of replies) {
    if (reply.properties.correlationId === correlationId) return Number(reply.text());
  }
  throw new Error("Cannot ask: the channel was closed");
}

if (import.meta.main) {
  const n = Number(Deno.args[0] ?? 30);
  await using connection = await connect(Deno.env.get("AMQP_URL"));
  console.log(`fib(${n}) = ${await fibonacci(connection, n)}`);
}
