import { assertEquals } from "@std/assert";
import { Broker, type Channel, connect, type Delivery, type MessageTracer } from "../../mod.ts";

/**
 * A publish comes in the object that goes on as its message, and the next one in the same object when nobody
 * keeps it: none may be seen in place of another.
 *
 * @module
 */

/** Takes what waits in a queue. */
async function taken(channel: Channel, queue: string): Promise<string[]> {
  const found: string[] = [];
  while (true) {
    const delivery = await channel.basicGet(queue, { noAck: true });
    if (delivery === undefined) return found;
    found.push(`${delivery.routingKey} ${delivery.properties.messageId} ${delivery.text()}`);
  }
}

for (const when of ["begin", "end"] as const) {
  Deno.test(`a tracer may publish on the connection whose message it is told of, at its ${when}`, async () => {
    let audited: Channel | undefined;
    const audit = (name: string) => {
      const channel = audited;
      if (channel === undefined || name !== "publish") return;
      audited = undefined; // not of what it publishes itself
      channel.basicPublish({ routingKey: "audit", properties: { messageId: "audit" } }, "about it");
      audited = channel;
    };
    const tracer: MessageTracer = {
      begin({ name }) {
        if (when === "begin") audit(name);
        const end = () => when === "end" ? audit(name) : undefined;
        return { headers: undefined, run: (work) => work(), end };
      },
    };
    await using broker = new Broker({ tracer });
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    for (const queue of ["jobs", "audit"]) await channel.queueDeclare(queue);
    audited = await connection.openChannel();
    for (let number = 0; number < 3; number++) {
      const body = `body ${number}`;
      channel.basicPublish(
        { routingKey: "jobs", properties: { messageId: `id ${number}` } },
        number === 1 ? body : new TextEncoder().encode(body),
      );
    }
    audited = undefined;
    assertEquals(
      await taken(channel, "jobs"),
      [0, 1, 2].map((number) => `jobs id ${number} body ${number}`),
    );
    assertEquals(await taken(channel, "audit"), Array(3).fill("audit audit about it"));
  });
}

Deno.test("a message for several queues is whole where one of them lets it go, whatever came before", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("both", "fanout");
  await channel.queueDeclare("none", { arguments: { "x-max-length": 0 } });
  await channel.queueDeclare("all");
  for (const queue of ["none", "all"]) await channel.queueBind({ queue, exchange: "both" });
  for (let number = 0; number < 3; number++) {
    for (let time = 0; time < 2; time++) channel.basicPublish({ routingKey: "nowhere" }, "x");
    const properties = { messageId: `id ${number}` };
    channel.basicPublish({ exchange: "both", properties }, `body ${number}`);
    assertEquals(await taken(channel, "all"), [` id ${number} body ${number}`]);
  }
});

Deno.test("what is unacked stays as it was when its link stops in the middle of what it brought", async () => {
  // less than one of the bodies: after each delivery it waits to be written
  await using broker = new Broker({ outgoingBufferMax: 4096 });
  await using server = await broker.listen({ port: 0 });
  await using connection = await connect(`amqp://guest:guest@127.0.0.1:${server.port}`);
  const channel = await connection.openChannel();
  for (const queue of ["own", "rest"]) await channel.queueDeclare(queue);
  const count = 40;
  const seen: string[] = [];
  const held: Delivery[] = [];
  let wake = () => {};
  await channel.basicConsume("own", {}, (delivery) => {
    seen.push(delivery.text().replace(/\.*$/, ""));
    held.push(delivery);
    wake();
  });
  const until = async (length: number) => {
    while (seen.length < length) await new Promise<void>((resolve) => wake = resolve);
  };
  for (let number = 0; number < count; number++) {
    channel.basicPublish({ routingKey: "own" }, `own ${number}`.padEnd(40_000, "."));
    for (let other = 0; other < 5; other++) {
      channel.basicPublish({ routingKey: "rest" }, `rest ${number} ${other}`);
    }
    await until(number + 1);
  }
  for (const delivery of held.splice(0)) delivery.nack({ requeue: true });
  await until(2 * count);
  const expected = Array.from({ length: count }, (_, number) => `own ${number}`);
  assertEquals(seen.slice(0, count), expected);
  assertEquals(seen.slice(count).toSorted(), expected.toSorted());
});
