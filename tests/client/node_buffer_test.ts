/**
 * A `Buffer` of Node's is a `Uint8Array` whose `slice` copies nothing: whoever keeps one past a call must
 * have copied it all the same, since its owner may write to it again.
 */
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { channelFlow } from "../../broker/amqp/methods/channel.ts";
import { Scripted } from "./scripted.ts";
import { next, Stage } from "./stage.ts";

const SIZES = [100, 10_000];

/** What all octets of a body are. */
function octetsOf(body: Uint8Array | undefined): number[] {
  return [...new Set(body)];
}

Deno.test("a Buffer that is written to again is published as it was, once there is a connection", async () => {
  await using stage = await Stage.open();
  const { connection, proxy } = stage;
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await using publisher = await connection.publisher({ routingKey: "q" });
  const lost = next(connection, "lost");
  proxy.cut();
  await lost;
  const sent = SIZES.map((size) => {
    const body = Buffer.alloc(size, 1);
    const confirmed = publisher.publish(body);
    body.fill(2);
    return confirmed;
  });
  await Promise.all(sent);
  for (const size of SIZES) {
    const { body } = (await channel.basicGet("q", { noAck: true }))!;
    assertEquals([body.length, octetsOf(body)], [size, [1]]);
  }
});

Deno.test("a Buffer that is written to again is the request of a call as it was, once there is a connection", async () => {
  await using stage = await Stage.open();
  const { connection, proxy } = stage;
  await using _server = await connection.serve<Uint8Array>("octets", (body) => octetsOf(body));
  await using client = await connection.rpc<Uint8Array, number[]>("octets", { timeout: 20_000 });
  const lost = next(connection, "lost");
  proxy.cut();
  await lost;
  const request = Buffer.alloc(10_000, 1);
  const answer = client.call(request);
  request.fill(2);
  assertEquals(await answer, [1]);
});

Deno.test("a Buffer that is written to again is sent as it was, once the broker lets publishes flow", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  await peer.send(1, channelFlow({ active: false }));
  await peer.expect(1, "channel.flow-ok");
  const body = Buffer.alloc(100, 1);
  const sent = channel.basicPublish({}, body);
  body.fill(2);
  await peer.send(1, channelFlow({ active: true }));
  await peer.expect(1, "channel.flow-ok");
  await sent;
  assertEquals(octetsOf((await peer.expectContent(1, "basic.publish")).body), [1]);
});
