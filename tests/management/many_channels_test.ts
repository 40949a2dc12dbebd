import { assert, assertEquals } from "@std/assert";
import { exposeMetrics } from "../../broker/prometheus/mod.ts";
import { Rates } from "../../broker/management/rates.ts";
import {
  type Broker,
  type Channel,
  connect as dial,
  type Connection,
  type Meter,
} from "../../mod.ts";
import { GoingMessage } from "../support/going_message.ts";
import { longestTurn, PAUSE_MAX } from "../support/longest_turn.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { standingTime } from "../support/standing_time.ts";
import { ManagedBroker } from "./support.ts";

const CONNECTIONS = 10_000;
const CHANNELS = 70_000;

/** Makes connections that have as many channels each. */
async function connect(
  broker: Broker,
  count: number,
  channelCount: number,
): Promise<{ readonly connection: Connection; readonly channels: readonly Channel[] }[]> {
  const made = [];
  for (let number = 0; number < count; number++) {
    const connection = await broker.connect();
    const channels: Channel[] = [];
    while (channels.length < channelCount / count) channels.push(await connection.openChannel());
    made.push({ connection, channels });
  }
  return made;
}

Deno.test("what went through 70 000 channels is summed up while messages go on", async () => {
  await using managed = new ManagedBroker();
  const { broker } = managed;
  const connections = await connect(broker, CONNECTIONS, CHANNELS);
  for (const { channels: [channel] } of connections) {
    await channel!.basicPublish({ routingKey: "nowhere" }, "x");
  }
  using metrics = exposeMetrics(broker);
  const request = new Request("http://localhost/metrics");
  const textOf = (response: Response) => response.text();
  using rates = new Rates(broker, new ManualClock());
  await using going = await GoingMessage.start(broker);
  const overview = async () => {
    const { message_stats, object_totals } = await managed.get("/overview");
    assertEquals(object_totals.channels, CHANNELS + 1);
    assert(message_stats.publish >= CONNECTIONS, `${message_stats.publish} were published`);
  };
  const asked: readonly (readonly [what: string, ask: () => Promise<unknown>])[] = [
    ["a sum", () => going.during("a sum", () => broker.vhostMeters())],
    // a second look at it is told what the first one was
    ["the overview", overview],
    ["nodes", () => managed.get("/nodes")],
    ["vhosts", () => going.during("vhosts", () => managed.get("/vhosts"))],
    ["rates", () => going.during("rates", () => rates.sample())],
    ["metrics", () => going.during("metrics", () => metrics.handle(request).then(textOf))],
  ];
  for (const [what, ask] of asked) {
    const pause = await longestTurn(async () => void await ask());
    assert(pause <= PAUSE_MAX, `${what}: the event loop stood still for ${pause} ms`);
  }
});

Deno.test("a sum has each channel once, whether it goes before it is met or after that", async () => {
  await using managed = new ManagedBroker();
  const { broker } = managed;
  const connections = await connect(broker, 200, 20_000);
  for (const { channels } of connections) {
    for (const channel of channels) await channel.basicPublish({ routingKey: "nowhere" }, "x");
  }
  // a slice is a part of them on a machine of any speed
  using _time = standingTime(0.1);
  let isDone = false;
  const sum = broker.vhostMeters().finally(() => isDone = true);
  const next = broker.vhostMeters();
  // a part has been met: the first of these, and not the last
  const closings = [...connections.slice(0, 20), ...connections.slice(-20)]
    .map(({ connection }) => connection.close());
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assertEquals(isDone, false, "all of it was one slice");
  const published = async (meters: Promise<Meter[]>) => (await meters)[0]!.values["publish"]!;
  assertEquals([await published(sum), await published(next)], [20_000, 20_000]);
  await Promise.all(closings);
  // those who ask again as soon as they were told, beside those who wait for the next one
  const ask = async () => {
    for (let times = 0; times < 5; times++) {
      const [meter] = await broker.vhostMeters();
      assertEquals(meter!.values["publish"], 20_000);
    }
  };
  await Promise.all([ask(), ask(), ask()]);
});

Deno.test("what came and went over a connection stays in its vhost when that has gone", async () => {
  await using managed = new ManagedBroker();
  await using listener = await managed.broker.listen({ hostname: "127.0.0.1", port: 0 });
  const octets = async () => {
    const [{ recv_oct, send_oct }] = await managed.get("/vhosts");
    return [recv_oct, send_oct];
  };
  const closed = Promise.withResolvers<void>();
  managed.broker.on("connection.closed", () => closed.resolve());
  const connection = await dial(`amqp://127.0.0.1:${listener.port}`);
  const channel = await connection.openChannel();
  await channel.basicPublish({ routingKey: "nowhere" }, "x".repeat(10_000));
  await channel.queueDeclare("q");
  const [received, sent] = await octets();
  assert(received > 10_000 && sent > 100);
  await connection.close();
  await closed.promise;
  assertEquals(await managed.get("/connections"), []);
  const [receivedThen, sentThen] = await octets();
  assert(receivedThen >= received && sentThen >= sent, `${receivedThen} and ${sentThen} are left`);
});
