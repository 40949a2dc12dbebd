// deno-lint-ignore-file no-console
import { type Channel, connect, type Connection } from "@warren/amqp";

/** Asks for Fibonacci numbers; replies may come in any order. */
export class FibonacciClient {
  readonly #channel: Channel;
  readonly #replyTo: string;
  readonly #waiting = new Map<string, (reply: string) => void>();

  private constructor(channel: Channel, replyTo: string) {
    this.#channel = channel;
    this.#replyTo = replyTo;
  }

  /** Opens a channel with a queue that all replies come to. */
  static async open(connection: Connection): Promise<FibonacciClient> {
    const channel = await connection.openChannel();
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    const client = new FibonacciClient(channel, queue);
    await channel.basicConsume(queue, { noAck: true }, (reply) => {
      client.#take(reply.properties.correlationId ?? "", reply.text());
    });
    return client;
  }

  /** Asks for the n-th number. */
  async call(n: number): Promise<number> {
    const correlationId = crypto.randomUUID();
    const reply = Promise.withResolvers<string>();
    this.#waiting.set(correlationId, reply.resolve);
    const properties = { replyTo: this.#replyTo, correlationId };
    await this.#channel.basicPublish({ routingKey: "fibonacci", properties }, String(n));
    return Number(await reply.promise);
  }

  #take(correlationId: string, reply: string): void {
    this.#waiting.get(correlationId)?.(reply);
    this.#waiting.delete(correlationId);
  }
}

if (import.meta.main) {
  const numbers = (Deno.args.length > 0 ? Deno.args : ["30"]).map(Number);
  await using connection = await connect(Deno.env.get("AMQP_URL"));
  const client = await FibonacciClient.open(connection);
  const calls = numbers.map(async (n) => console.log(`fib(${n}) = ${await client.call(n)}`));
  await Promise.all(calls);
}
