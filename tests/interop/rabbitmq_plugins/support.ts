import { assertEquals } from "@std/assert";
import { connect, type Connection } from "../../../mod.ts";
import { type RabbitmqServer, startRabbitmq } from "../../support/rabbitmq.ts";

/** Where the broker is that is looked at. */
export const BROKER_URL: string = Deno.env.get("AMQP_URL")!;

/** A RabbitMQ of one's own, with some of its plugins, and a connection to it. */
export async function rabbitmqWith(
  stack: AsyncDisposableStack,
  ...plugins: readonly string[]
): Promise<{ readonly server: RabbitmqServer; readonly url: string }> {
  const server = await startRabbitmq(plugins);
  if (server === undefined) throw new Error("RabbitMQ is not installed");
  stack.use(server);
  return { server, url: `amqp://guest:guest@127.0.0.1:${server.port}/%2F` };
}

/** Connects for as long as the program runs. */
export async function connection(stack: AsyncDisposableStack, url: string): Promise<Connection> {
  return stack.use(await connect(url));
}

/** Publishes numbered messages and waits until the broker has them. */
export async function publishNumbers(
  connection: Connection,
  address: { readonly exchange?: string; readonly routingKey: string },
  count: number,
): Promise<void> {
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  for (let number = 0; number < count; number++) {
    void channel.basicPublish({ ...address, properties: propertiesOf(number) }, `${number}`);
  }
  await channel.waitForConfirms();
  await channel.close();
}

/** What each of them has beside its body, none of which may change on its way. */
function propertiesOf(number: number) {
  return {
    deliveryMode: 2 as const,
    contentType: "text/plain",
    correlationId: `c${number}`,
    priority: number % 5,
    messageId: `m${number}`,
    headers: { number, nested: { list: ["a", 1, true], big: 2n ** 60n } },
  };
}

/** Checks a message that was moved. */
export function assertUnchanged(
  properties: { readonly headers?: Readonly<Record<string, unknown>> },
  number: number,
): void {
  const { headers = {}, ...others } = properties;
  const { headers: sentHeaders, ...sent } = propertiesOf(number);
  assertEquals(others, sent);
  for (const [name, value] of Object.entries(sentHeaders)) assertEquals(headers[name], value);
}
