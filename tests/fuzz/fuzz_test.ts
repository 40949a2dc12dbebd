import { assertEquals, assertGreater, assertThrows } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { certificate } from "../support/certificates.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { runCampaign } from "./campaign.ts";
import { checkKeptMessages, keepMessages } from "./kept.ts";
import { readMix } from "./ways.ts";
import { fuzzBroker, fuzzCodec, fuzzFrameReader } from "./fuzz.ts";

/** Runs a case for so many seeds; an error tells the seed, which `tests/fuzz/main.ts` replays. */
async function forSeeds(
  count: number,
  fuzz: (seed: number) => void | Promise<void>,
): Promise<void> {
  for (let seed = 1; seed <= count; seed++) {
    try {
      await fuzz(seed);
    } catch (cause) {
      throw new Error(`Cannot hold for --seed ${seed}`, { cause });
    }
  }
}

Deno.test("FrameReader cuts damaged streams the same way however they come", async () => {
  await forSeeds(300, fuzzFrameReader);
});

Deno.test("The codec refuses damaged methods and properties in an orderly way", async () => {
  await forSeeds(150, fuzzCodec);
});

Deno.test("A broker outlives clients that send damaged streams, and others do not notice", async () => {
  await forSeeds(40, fuzzBroker);
});

Deno.test("A broker outlives thousands of mutated frames, also in TLS and WebSockets, and others lose nothing", async () => {
  const logger = new RecordingLogger();
  await using broker = new Broker({ logger, passwordHashing: "rabbitmq-sha256" });
  const { port } = await broker.listen({ port: 0 });
  const { port: tlsPort } = await broker.listen({ port: 0, tls: certificate("server") });
  const { port: webSocketPort } = await broker.listen({ port: 0, websocket: true });
  const { tally, accounts } = await runCampaign({
    port,
    tlsPort,
    webSocketPort,
    clean: () => Promise.resolve(),
    figures: () =>
      Promise.resolve({ rss: 0, inUse: 0, connections: 0, errors: logger.of("error") }),
  }, { seed: 1, frames: 4000, framesPerRound: 2000, attackers: 40 });
  assertGreater(tally.connections, 40);
  assertGreater(tally.channelErrors, 100);
  assertGreater(tally.sentAway, 0);
  for (const { confirmed, consumed } of accounts) {
    assertGreater(confirmed, 0);
    assertEquals(consumed, confirmed);
  }
});

Deno.test("A broker with a data directory outlives mutated frames, and has kept what it should after a restart", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "warren-fuzz-" });
  try {
    const logger = new RecordingLogger();
    const options = { logger, passwordHashing: "rabbitmq-sha256", dataDir } as const;
    {
      await using broker = new Broker(options);
      const { port } = await broker.listen({ port: 0 });
      await keepMessages(port);
      const { tally, accounts } = await runCampaign({
        port,
        onDisk: true,
        clean: () => Promise.resolve(),
        figures: () =>
          Promise.resolve({ rss: 0, inUse: 0, connections: 0, errors: logger.of("error") }),
      }, { seed: 7, frames: 2000, framesPerRound: 1000, attackers: 20 });
      assertGreater(tally.channelErrors, 20);
      for (const { confirmed, consumed } of accounts) assertEquals(consumed, confirmed);
    }
    await using broker = new Broker(options);
    const { port } = await broker.listen({ port: 0 });
    await checkKeptMessages(port);
    assertEquals(logger.of("error"), []);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("readMix() reads how many attackers come how", () => {
  assertEquals(readMix("tcp=2,tls, websocket=30"), { tcp: 2, tls: 1, websocket: 30 });
  assertEquals(readMix("tls"), { tcp: 0, tls: 1, websocket: 0 });
  for (const wrong of ["", "udp", "tcp=-1", "tcp=0", "tls=x"]) {
    assertThrows(() => readMix(wrong), TypeError, "Cannot mix: ");
  }
});
