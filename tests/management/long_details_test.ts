import { assert, assertEquals } from "@std/assert";
import { GoingMessage } from "../support/going_message.ts";
import { longestTurn, PAUSE_MAX } from "../support/longest_turn.ts";
import { ManagedBroker } from "./support.ts";

const CONSUMERS = 30_000;
const BINDINGS = 100_000;
const CONNECTIONS = 3000;
/** In one go their end takes 700 ms; the collector alone may take some tens while they come and go. */
const CLOSING_PAUSE_MAX = 3 * PAUSE_MAX;

Deno.test("one thing of which there is very much is told while messages go on", async () => {
  await using managed = new ManagedBroker();
  const { broker } = managed;
  await broker.declareQueue({ queue: "busy" });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  for (let number = 0; number < CONSUMERS; number++) {
    await channel.basicConsume("busy", { consumerTag: `c${number}` }, () => {});
  }
  const [{ name }] = await managed.get("/channels");
  for (let number = 0; number < BINDINGS; number++) {
    await broker.bind({ source: "amq.topic", destination: "busy", routingKey: `k${number}` });
  }
  const between = "/bindings/%2F/e/amq.topic/q/busy";
  await using going = await GoingMessage.start(broker);

  const told = async (path: string) =>
    JSON.parse(await new Blob(await managed.pieces(path) as BlobPart[]).text());
  for (const path of ["/queues/%2F/busy", `/channels/${encodeURIComponent(name)}`]) {
    const pause = await longestTurn(() =>
      going.during(path, async () => void await managed.pieces(path))
    );
    assert(pause <= PAUSE_MAX, `${path}: the event loop stood still for ${pause} ms`);
    const whole = await told(path);
    assertEquals(whole.consumer_details.length, CONSUMERS);
    assertEquals(whole.deliveries, []);
    const part = await told(`${path}?columns=name,consumer_details.consumer_tag`);
    assertEquals(Object.keys(part), ["name", "consumer_details"]);
    assertEquals(part.consumer_details.at(-1), { consumer_tag: `c${CONSUMERS - 1}` });
    assertEquals(Object.keys(await told(`${path}?columns=name`)), ["name"]);
  }
  const last = `${between}/k${BINDINGS - 1}`;
  const pause = await longestTurn(() =>
    going.during(last, async () => {
      assertEquals((await managed.get(last)).routing_key, `k${BINDINGS - 1}`);
    })
  );
  assert(pause <= PAUSE_MAX, `a binding: the event loop stood still for ${pause} ms`);
  assertEquals((await managed.ask("DELETE", last)).status, 204);
  assertEquals((await managed.ask("GET", last)).status, 404);
});

Deno.test("all connections of a user are closed while messages of others go on", async () => {
  await using managed = new ManagedBroker();
  const { broker } = managed;
  await using going = await GoingMessage.start(broker);
  await managed.addUser("ann", "management");
  const pause = await longestTurn(async () => {
    for (let number = 0; number < CONNECTIONS; number++) await broker.connect({ user: "ann" });
    await going.during("closing", async () => {
      const { status } = await managed.ask("DELETE", "/connections/username/ann", {
        user: "ann:p",
      });
      assertEquals(status, 204);
    });
    assertEquals(broker.count("connection", { user: "ann" }), 0);
  });
  assert(pause <= CLOSING_PAUSE_MAX, `the event loop stood still for ${pause} ms`);
});
