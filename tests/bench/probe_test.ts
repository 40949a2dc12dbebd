import { assertGreaterOrEqual } from "@std/assert";
import { Broker } from "@warren/amqp";
import { Probe } from "../../bench/support/probe.ts";

const PAUSE_MS = 100;

Deno.test("Probe sees that a broker did not answer for a while, from another thread", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  await using probe = await Probe.start(server.port, 1);
  // each report lets the broker's thread run
  for (let answers = 0; answers < 3;) answers += (await probe.report()).answers;

  for (const end = performance.now() + PAUSE_MS; performance.now() < end;);
  assertGreaterOrEqual((await probe.report()).longestMs, PAUSE_MS / 2);
});
