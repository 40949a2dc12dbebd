/**
 * Almost-right AMQP against the parts that read it and against a whole broker. A seed decides on all
 * of it, so that what has failed once fails again.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { FrameReader } from "../../broker/amqp/frame_reader.ts";
import { decodeMethod } from "../../broker/amqp/methods/mod.ts";
import { checkProperties, decodeProperties } from "../../broker/amqp/properties.ts";
import type { Transport } from "../../broker/amqp/transport.ts";
import { Broker } from "../../broker/broker.ts";
import { connect } from "../../client/connect.ts";
import type { Connection } from "../../client/connection.ts";
import { RandomValues } from "../amqp/random_values.ts";
import { clean } from "../support/broker_program.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { MemoryNetwork } from "../support/memory_network.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { damagedStream, pieces, validStream } from "./streams.ts";
import { Watch } from "./watch.ts";

/** Clients that misbehave at the same time. */
const ATTACKERS = 4;
/** What a client that behaves sends in the meantime. */
const MESSAGES = 20;

/** What came of a stream in a reader: frames, then perhaps an error. */
interface Cut {
  readonly frames: readonly (readonly [type: number, channel: number, payload: string])[];
  readonly error: string | undefined;
}

/** A reader finds the same in a damaged stream however it is cut, and complains in its own words. */
export function fuzzFrameReader(seed: number): void {
  const random = new RandomValues(seed);
  const bytes = damagedStream(random).subarray(8);
  const whole = read([bytes]);
  const cut = read(pieces(random, bytes));
  assertEquals(cut.error, whole.error);
  assertEquals(cut.frames, whole.frames);
}

function read(chunks: readonly Uint8Array[]): Cut {
  const frames: [number, number, string][] = [];
  const reader = new FrameReader();
  try {
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length;) {
        const room = reader.room();
        const count = Math.min(room.length, chunk.length - at);
        room.set(chunk.subarray(at, at + count));
        reader.filled(count);
        at += count;
        reader.drain({
          onFrame(type, channel, start, end) {
            frames.push([type, channel, reader.bytes.subarray(start, end).join()]);
            return true;
          },
        });
      }
    }
  } catch (error) {
    return { frames, error: frameError(error, [501]) };
  }
  return { frames, error: undefined };
}

/** Methods and properties are decoded or refused, and never fail in another way. */
export function fuzzCodec(seed: number): void {
  const random = new RandomValues(seed);
  for (const frame of validStream(random).slice(1)) {
    for (let variant = 0; variant < 3; variant++) {
      const payload = random.damaged(frame.subarray(7, -1));
      const bytes = new Uint8Array(payload.length + 10).fill(0xff);
      bytes.set(payload, 5);
      const end = 5 + payload.length;
      attempt(() => decodeMethod(bytes, 5, end), [501, 502, 503]);
      const start = Math.min(end, 5 + (frame[0] === 2 ? 12 : 0));
      const decoded = attempt(() => decodeProperties(bytes, start, end), [501, 502]);
      const checked = attempt(() => checkProperties(bytes, start, end), [501, 502]);
      assertEquals(checked, decoded, "whoever only checks refuses what whoever decodes refuses");
    }
  }
}

/** Undefined when it succeeds, else the error's text. */
function attempt(action: () => unknown, codes: readonly number[]): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return frameError(error, codes);
  }
}

function frameError(error: unknown, codes: readonly number[]): string {
  if (error instanceof AmqpError && codes.includes(error.replyCode)) return error.message;
  throw new Error("Cannot accept this error", { cause: error });
}

/**
 * A served broker outlives clients that send almost-right streams: those that behave do not notice,
 * nothing is logged as a bug, and nothing is left when the attackers are gone.
 */
export async function fuzzBroker(seed: number): Promise<void> {
  const random = new RandomValues(seed);
  using network = new MemoryNetwork();
  using watch = new Watch();
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const broker = new Broker({ clock, logger });
  const server = await broker.listen({ port: 0 });
  const healthy = [
    await broker.connect(),
    await connect(`amqp://guest:guest@127.0.0.1:${server.port}?heartbeat=0`, { recovery: false }),
  ];
  const timersBefore = clock.timers;

  const attacks = Array.from({ length: ATTACKERS }, (_, index) => {
    const bytes = random.below(4) === 0 ? concatAll(validStream(random)) : damagedStream(random);
    const options = { chunks: pieces(random, bytes), reads: random.below(4) > 0 };
    return attack(network.dial(server.port), index === 0 ? { ...options, reads: true } : options);
  });
  const work = healthy.map((connection, index) => workWell(connection, `healthy-${index}`));
  const done = Promise.all([...attacks, ...work]);
  let working = true;
  const finished = done.finally(() => working = false);
  while (working) {
    // lets publishers that were slowed down go on
    clock.advance(5);
    await new Promise<void>((resolve) => setTimeout(resolve));
  }
  await finished;

  // a message may have been given so long to live, and nobody else takes it; and a queue that expires does so
  // only when the attacker that consumes from it is gone
  const goneBy = clock.elapsed() + 100;
  await eventually(() => {
    clock.advance(1);
    return clock.elapsed() >= goneBy && clock.timers === timersBefore;
  }, () => `${clock.timers} timers are left`);
  for (const connection of healthy) await connection.close();
  // attackers that have gone may not have had their turn
  await eventually(
    () => watch.unackedCount === 0 && watch.consumerCount === 0,
    () => `${watch.unackedCount} messages are unacked, ${watch.consumerCount} consumers there`,
  );
  // streams keep what is in them, and some exchanges what was published to them
  await clean(broker, "healthy");
  await eventually(
    () => watch.leakedMessages() === 0,
    () => `${watch.leakedMessages()} messages leaked`,
  );
  // would wait for connections that are stuck: the clock stands still
  await broker.close();
  assertEquals(logger.of("error"), []);
  assertEquals(clock.timers, 0);
}

function concatAll(frames: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((size, frame) => size + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
  }
  return bytes;
}

/** Sends all, perhaps without ever reading an answer, and goes. */
async function attack(
  transport: Transport,
  { chunks, reads }: { readonly chunks: readonly Uint8Array[]; readonly reads: boolean },
): Promise<void> {
  const reading = reads ? readAll(transport) : undefined;
  try {
    const rest = Math.ceil(chunks.length / 10);
    for (const [index, chunk] of chunks.entries()) {
      await transport.write(chunk);
      // now and then the broker gets to see it before there is more
      if (index % rest === 0) await new Promise<void>((resolve) => setTimeout(resolve));
    }
    await new Promise<void>((resolve) => setTimeout(resolve));
  } catch {
    // the broker has closed it
  }
  transport.close();
  await reading;
}

/** Reads to the end; what the broker sends must at least be whole frames. */
async function readAll(transport: Transport): Promise<void> {
  const reader = new FrameReader();
  while (true) {
    const count = await transport.read(reader.room());
    if (count === null) break;
    reader.filled(count);
    const start = reader.peek(4);
    if (start[0] === 0x41 && start.length === 4) reader.takeRaw(8);
    reader.drain({ onFrame: () => true });
  }
}

/** Publishes with confirms and consumes: all must come, in order. */
async function workWell(connection: Connection, queue: string): Promise<void> {
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  await channel.queueDeclare(queue, { exclusive: true });
  const bodies: string[] = [];
  const all = Promise.withResolvers<void>();
  await channel.basicConsume(queue, {}, (delivery) => {
    bodies.push(delivery.text());
    delivery.ack();
    if (bodies.length === MESSAGES) all.resolve();
  });
  const sent: string[] = [];
  for (let index = 0; index < MESSAGES; index++) {
    const body = `${index}`.repeat(1 + index * 20);
    sent.push(body);
    await channel.basicPublish({ routingKey: queue }, body);
    if (index % 4 === 0) await new Promise<void>((resolve) => setTimeout(resolve));
  }
  await channel.waitForConfirms();
  await all.promise;
  assertEquals(bodies, sent);
  await channel.close();
}

async function eventually(holds: () => boolean, complaint: () => string): Promise<void> {
  for (let turn = 0; turn < 2000 && !holds(); turn++) {
    await new Promise<void>((resolve) => setTimeout(resolve));
  }
  assert(holds(), complaint());
}
