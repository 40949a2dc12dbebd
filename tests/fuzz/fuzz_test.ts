import { assertEquals, assertGreater, assertRejects, assertThrows } from "@std/assert";
import { systemClock } from "../../broker/amqp/clock.ts";
import { tcpTransport, type Transport } from "../../broker/amqp/transport.ts";
import { Broker } from "../../broker/broker.ts";
import { encrypt } from "../../client/dial_tls.ts";
import { RandomValues } from "../amqp/random_values.ts";
import { CA, certificate } from "../support/certificates.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { Attacker, AttackTally } from "./attacker.ts";
import { runCampaign } from "./campaign.ts";
import { checkKeptMessages, keepMessages } from "./kept.ts";
import { Phrases } from "./mutations.ts";
import { Pulse } from "./pulse.ts";
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
  await forSeeds(200, fuzzFrameReader);
});

Deno.test("The codec refuses damaged methods and properties in an orderly way", async () => {
  await forSeeds(150, fuzzCodec);
});

Deno.test("A broker outlives clients that send damaged streams, and others do not notice", async () => {
  await forSeeds(25, fuzzBroker);
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

Deno.test("A pulse complains about what others do not wait for, and tells how often they were answered", async () => {
  await using broker = new Broker({ passwordHashing: "rabbitmq-sha256" });
  const { port } = await broker.listen({ port: 0 });
  await using pulse = await Pulse.start(port, { tickMs: 5, answerMs: 1, answerBeats: 10 });
  assertEquals(await pulse.wait(Promise.resolve(7), { complaint: () => "no" }), 7);
  const seen: number[] = [];
  await assertRejects(
    () =>
      pulse.wait(new Promise<void>(() => {}), {
        complaint: () => "Cannot go on: here",
        onTick: (beats) => seen.push(beats),
      }),
    Error,
    "Cannot go on: here; another one has got 1",
  );
  assertGreater(seen.length, 1);
  await broker.close();
  await assertRejects(() => pulse.wait(new Promise<void>(() => {}), { complaint: () => "no" }));
});

Deno.test("An attacker makes an end when a record of TLS has taken its question", async () => {
  await using broker = new Broker({ passwordHashing: "rabbitmq-sha256" });
  const { port } = await broker.listen({ port: 0 });
  const { port: tlsPort } = await broker.listen({ port: 0, tls: certificate("server") });
  await using pulse = await Pulse.start(port, { tickMs: 20 });
  const below = tcpTransport(await Deno.connect({ hostname: "127.0.0.1", port: tlsPort }));
  let [shaken, lengthened] = [false, 0];
  const lengthening: Transport = {
    peer: below.peer,
    local: below.local,
    read: (into) => below.read(into),
    close: () => below.close(),
    write(bytes) {
      if (shaken && lengthened++ === 0) {
        assertEquals(bytes[0], 0x17, "a record of data");
        bytes = bytes.slice();
        bytes[3] = 0x40; // the longest
      }
      return below.write(bytes);
    },
  };
  const signal = new AbortController().signal;
  const around = { clock: systemClock, signal };
  const transport = await encrypt(lengthening, "localhost", { ca: CA }, around);
  shaken = true;
  const random = new RandomValues(1);
  const tally = new AttackTally();
  const attacker = new Attacker(transport, {
    ...{ random, phrases: new Phrases(random, 10), tally, pulse, name: "it" },
  });
  await attacker.run(() => true);
  assertGreater(lengthened, 2);
  assertEquals(tally.connections, 0);
});
