import { assertEquals, assertThrows } from "@std/assert";
import { systemClock } from "../../broker/amqp/clock.ts";
import { silentLogger } from "../../broker/amqp/logger.ts";
import { type BrokerOptions, completeOptions } from "../../broker/options.ts";

Deno.test("completeOptions() has RabbitMQ's defaults", () => {
  assertEquals(completeOptions({}), {
    vhosts: undefined,
    heartbeatSeconds: 60,
    frameMax: 131_072,
    channelMax: 2047,
    messageSizeMax: 134_217_728,
    handshakeTimeoutMs: 10_000,
    consumerTimeoutMs: 1_800_000,
    dataDir: undefined,
    sync: "always",
    messageMemory: 268_435_456,
    exchangeTypes: [],
    authenticator: undefined,
    defaultUser: undefined,
    loopbackUsers: ["guest"],
    passwordHashing: "scrypt",
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
    { handshakeTimeoutMs: 0 },
    { handshakeTimeoutMs: Infinity },
  ];
  for (const options of wrong) {
    const error = assertThrows(() => completeOptions(options), RangeError);
    const [[name, value]] = Object.entries(options) as [[string, number]];
    assertEquals(error.message.startsWith(`Cannot create broker: ${name} is ${value}, not`), true);
  }
});
