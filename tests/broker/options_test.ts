import { assertEquals, assertThrows } from "@std/assert";
import { systemClock } from "../../broker/amqp/clock.ts";
import { silentLogger } from "../../broker/amqp/logger.ts";
import { type BrokerOptions, completeOptions } from "../../broker/options.ts";
import { DROP_IN, profileOf } from "../../broker/profiles.ts";

Deno.test("completeOptions() has RabbitMQ's defaults, and limits where it has none", () => {
  assertEquals(completeOptions({}), {
    profile: DROP_IN,
    vhosts: undefined,
    nodeName: "warren@localhost",
    heartbeatSeconds: 60,
    frameMax: 131_072,
    channelMax: 2047,
    messageSizeMax: 134_217_728,
    connectionMax: 100_000,
    connectionMaxPerAddress: 20_000,
    connectionMaxPerUser: 50_000,
    connectionRate: 5000,
    connectionRatePerAddress: 2000,
    connectionBurst: 20_000,
    channelMaxPerNode: 1_000_000,
    consumerMaxPerChannel: 100_000,
    txMessageMaxPerChannel: 1_000_000,
    queueMax: 1_000_000,
    vhostMax: 100_000,
    defaultQueueType: undefined,
    exchangeMax: 1_000_000,
    bindingMax: 10_000_000,
    unackedBytesMaxPerChannel: 4_294_967_296,
    waitingBytesMaxPerConnection: 65_536,
    deadLetterMax: 1_000_000,
    openingMax: 1000,
    tableDepthMax: 64,
    outgoingBufferMax: 1_048_576,
    writeTimeoutMs: 1_800_000,
    readTimeoutMs: 300_000,
    handshakeFrameMax: 4096,
    handshakeTimeoutMs: 10_000,
    consumerTimeoutMs: 1_800_000,
    dataDir: undefined,
    sync: "always",
    messageMemory: 268_435_456,
    memoryHighWatermark: Infinity,
    heapHighWatermark: 0.8,
    diskFreeLimit: 50_000_000,
    exchangeTypes: [],
    authenticator: undefined,
    anonymousUser: undefined,
    defaultUser: undefined,
    loopbackUsers: ["guest"],
    mechanisms: ["AMQPLAIN", "PLAIN"],
    certificateLogin: "distinguished_name",
    passwordHashing: "scrypt",
    tracer: undefined,
    logger: silentLogger,
    clock: systemClock,
  });
});

Deno.test("completeOptions() takes what is given, to the ends of each range", () => {
  const given: readonly BrokerOptions[] = [
    { heartbeatSeconds: 0 },
    { heartbeatSeconds: 65_535 },
    { frameMax: 0 },
    { frameMax: 4096 },
    { frameMax: 4_294_967_295 },
    { channelMax: 1 },
    { channelMax: 65_535 },
    { messageSizeMax: 0 },
    { messageSizeMax: 536_870_912 },
    { handshakeTimeoutMs: 1 },
    { messageMemory: 0 },
    { consumerTimeoutMs: 0 },
    { connectionMax: 0 },
    { channelMaxPerNode: 1_000_000 },
    { consumerMaxPerChannel: 1 },
    { queueMax: Infinity },
    { connectionMax: Infinity },
    { connectionRate: Infinity },
    { unackedBytesMaxPerChannel: Infinity },
    { exchangeMax: 0 },
    { bindingMax: 0 },
    { connectionMaxPerAddress: 0 },
    { connectionMaxPerUser: 1 },
    { connectionRate: 0 },
    { connectionRatePerAddress: 1 },
    { connectionBurst: 1 },
    { unackedBytesMaxPerChannel: 0 },
    { waitingBytesMaxPerConnection: 4096 },
    { deadLetterMax: Infinity },
    { deadLetterMax: 0 },
    { openingMax: 1 },
    { tableDepthMax: 2 },
    { outgoingBufferMax: 4096 },
    { outgoingBufferMax: 67_108_864 },
    { writeTimeoutMs: 0 },
    { readTimeoutMs: 0 },
    { handshakeFrameMax: 0 },
    { handshakeFrameMax: 4096 },
    { vhosts: ["a", "b"] },
  ];
  for (const options of given) {
    assertEquals(completeOptions(options), { ...completeOptions({}), ...options });
  }
});

Deno.test("completeOptions() refuses numbers out of range and names them", () => {
  const wrong: readonly BrokerOptions[] = [
    { heartbeatSeconds: -1 },
    { heartbeatSeconds: 65_536 },
    { heartbeatSeconds: 1.5 },
    { frameMax: 4095 },
    { frameMax: 4_294_967_296 },
    { frameMax: NaN },
    { channelMax: 0 },
    { channelMax: 65_536 },
    { messageSizeMax: -1 },
    { messageSizeMax: 536_870_913 },
    { bindingMax: -1 },
    { connectionRate: 0.5 },
    { connectionBurst: 0 },
    { waitingBytesMaxPerConnection: 4095 },
    { waitingBytesMaxPerConnection: Infinity },
    { deadLetterMax: -1 },
    { openingMax: 0 },
    { openingMax: 100_001 },
    { tableDepthMax: 1 },
    { tableDepthMax: 65 },
    { outgoingBufferMax: 4095 },
    { writeTimeoutMs: -1 },
    { readTimeoutMs: -1 },
    { handshakeFrameMax: 4095 },
    { handshakeTimeoutMs: 0 },
    { handshakeTimeoutMs: Infinity },
    { connectionMax: -1 },
    { channelMaxPerNode: 0.5 },
    { consumerMaxPerChannel: NaN },
    { queueMax: -Infinity },
    { exchangeMax: 2 ** 60 },
  ];
  for (const options of wrong) {
    const error = assertThrows(() => completeOptions(options), RangeError);
    const [[name, value]] = Object.entries(options) as [[string, number]];
    assertEquals(error.message.startsWith(`Cannot create broker: ${name} is ${value}, not`), true);
  }
});

Deno.test("completeOptions() takes a profile by its name or version, and its defaults with it", () => {
  for (const profile of ["rabbitmq-4.3", "4.3"] as const) {
    const complete = completeOptions({ profile });
    assertEquals(complete.profile, profileOf("rabbitmq-4.3"));
    assertEquals(complete.messageSizeMax, 16_777_216);
    assertEquals(completeOptions({ profile, messageSizeMax: 5 }).messageSizeMax, 5);
    assertEquals(complete.txMessageMaxPerChannel, 10_000);
    const small = assertThrows(() => completeOptions({ profile, frameMax: 4096 }), RangeError);
    assertEquals(
      small.message,
      "Cannot create broker: frameMax is 4096, not a whole number from 8192 to 4294967295",
    );
  }
  assertEquals(completeOptions({ profile: "3.13" }).profile, profileOf("rabbitmq-3.13"));
  const profile = "4.2" as "4.3";
  const error = assertThrows(() => completeOptions({ profile }), TypeError);
  assertEquals(error.message, 'Cannot create broker: there is no profile "4.2"');
});
