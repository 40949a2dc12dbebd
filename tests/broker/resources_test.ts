import { assert, assertEquals, assertThrows } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { loopRound, pollSockets } from "../../broker/amqp/turn.ts";
import type { InternalOptions } from "../../broker/options.ts";
import { MadeUpMachine } from "../support/made_up_machine.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { freshTurn } from "../support/standing_time.ts";

/** A broker on a machine that is made up. */
function start(options: InternalOptions = {}) {
  const machine = new MadeUpMachine();
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  return { machine, clock, logger, broker: new Broker({ machine, clock, logger, ...options }) };
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
  await pollSockets(); // what waited for the loop when the test began goes on with all others
}

Deno.test("a broker in a program does not care how much memory the program takes, unless it is told to", async () => {
  using _time = await freshTurn(); // how long the machine takes is no matter
  const { broker, machine, clock } = start();
  await using _ = broker;
  machine.rssBytes = Number.MAX_SAFE_INTEGER;
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await loopRound(); // nobody else has to have a turn just now
  assertEquals(channel.basicPublish({ routingKey: "q" }, "x"), undefined);
  assertEquals(broker.alarms, []);
  machine.heapUsed = machine.heapLimit;
  await channel.queueDeclare("q");
  channel.basicPublish({ routingKey: "q" }, new Uint8Array(100 * 1024 * 1024));
  channel.basicPublish({ routingKey: "q" }, "x");
  await turn();
  assertEquals(connection.blocked, "low on memory", "but V8's limit is everybody's");
  machine.heapUsed = 0;
  clock.advance(250);
  await turn();
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, 2);
});

Deno.test("a watermark up to 1 is a part of the memory that there is, a larger one is bytes", async () => {
  const cases:
    readonly (readonly [watermark: number, memory: number | undefined, limit: number])[] = [
      [0.6, 10_000, 6000],
      [1, 10_000, 10_000],
      [4000, 10_000, 4000],
      [20_000, 10_000, 10_000],
      [20_000, undefined, 20_000],
      [0.5, undefined, 512 * 1024 * 1024],
    ];
  for (const [watermark, memory, limit] of cases) {
    const { broker, machine } = start();
    await using _ = broker;
    machine.memoryBytes = memory;
    machine.rssBytes = limit;
    broker.setMemoryHighWatermark(watermark);
    assertEquals(broker.alarms, [], `${watermark} of ${memory}`);
    machine.rssBytes = limit + 1;
    broker.setMemoryHighWatermark(watermark);
    assertEquals(
      broker.alarms.map(({ source }) => source),
      ["memory"],
      `${watermark} of ${memory}`,
    );
  }
  const { broker, logger } = start({ memoryHighWatermark: 0.6 });
  await using _ = broker;
  assert(logger.lines.some((line) => line.startsWith("info: memory high watermark is")));
  for (const wrong of [-1, NaN]) {
    assertThrows(() => broker.setMemoryHighWatermark(wrong), RangeError, "memoryHighWatermark");
    assertThrows(() => new Broker({ memoryHighWatermark: wrong }), RangeError);
    assertThrows(() => broker.setDiskFreeLimit(wrong), RangeError, "diskFreeLimit");
  }
  for (const wrong of [-0.1, 1.1, NaN]) {
    assertThrows(() => new Broker({ heapHighWatermark: wrong }), RangeError, "heapHighWatermark");
  }
});

Deno.test("alarms are told of: to listeners, at amq.rabbitmq.event and in the log", async () => {
  using _time = await freshTurn(); // how long the machine takes is no matter
  const { broker, machine, logger, clock } = start();
  await using _ = broker;
  const told: string[] = [];
  broker.on("alarm.set", ({ source }) => void told.push(`set ${source}`));
  broker.on("alarm.cleared", ({ source }) => void told.push(`cleared ${source}`));
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("events");
  await channel.queueBind({
    queue: "events",
    exchange: "amq.rabbitmq.event",
    routingKey: "alarm.*",
  });
  clock.advance(5000);
  machine.rssBytes = 1;
  broker.setMemoryHighWatermark(0);
  assertEquals(broker.alarms[0]?.since, 5000);
  broker.setMemoryHighWatermark(Infinity);
  await turn();
  assertEquals(told, ["set memory", "cleared memory"]);
  const events = await channel.basicConsume("events", { noAck: true });
  for (const key of ["alarm.set", "alarm.cleared"]) {
    const { value: event } = await events[Symbol.asyncIterator]().next();
    assertEquals([event?.routingKey, event?.properties.headers?.["source"]], [key, "memory"]);
    assertEquals(typeof event?.properties.headers?.["node"], "string");
  }
  const warnings = logger.of("warning").filter((line) => line.includes("alarm"));
  assertEquals(
    warnings,
    [
      "memory alarm set, nobody may publish: 0 MiB of memory are in use, 0 MiB may be",
      "memory alarm cleared",
    ].map((line) => warnings.find((warning) => warning.endsWith(line))!),
  );
});

Deno.test("a publisher in the same process waits while memory is short, and a consumer makes room", async () => {
  using _time = await freshTurn(); // how long the machine takes is no matter
  const { broker, machine, clock } = start({ memoryHighWatermark: 1_000_000_000 });
  await using _ = broker;
  machine.memoryBytes = undefined;
  await using publisher = await broker.connect();
  await using other = await broker.connect();
  const channel = await publisher.openChannel();
  await channel.queueDeclare("q");
  await channel.confirmSelect();
  await channel.basicPublish({ routingKey: "q" }, "before");
  machine.rssBytes = 2_000_000_000;
  broker.setMemoryHighWatermark(1_000_000_000);
  let confirmed = false;
  const waiting = Promise.resolve(channel.basicPublish({ routingKey: "q" }, "during"))
    .then(() => confirmed = true);
  await turn();
  assertEquals([publisher.blocked, other.blocked, confirmed], ["low on memory", undefined, false]);
  const consumer = await other.openChannel();
  assertEquals((await consumer.basicGet("q", { noAck: true }))?.text(), "before");
  assertEquals(await consumer.basicGet("q"), undefined);
  machine.rssBytes = 0;
  clock.advance(250);
  await waiting;
  assertEquals(publisher.blocked, undefined);
  assertEquals((await consumer.basicGet("q", { noAck: true }))?.text(), "during");
});

Deno.test("too little free on the disk blocks publishers until there is more, looked at as the store grows", async () => {
  using _time = await freshTurn(); // how long the machine takes is no matter
  const disk = new SimulatedDisk();
  const { broker, machine, clock } = start(disk.options({ diskFreeLimit: 1_000_000 }));
  await using _ = broker;
  assertEquals(broker.alarms, []);
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q", { durable: true });
  await channel.confirmSelect();
  const looks = machine.diskLooks;
  clock.advance(3_600_000);
  assertEquals([machine.diskLooks, clock.timers], [looks, 0], "nobody looks when nothing happens");

  machine.diskFreeBytes = 999_999;
  const properties = { deliveryMode: 2 };
  let published = 0;
  const publishing = (async () => {
    for (; published < 200; published++) {
      await channel.basicPublish({ routingKey: "q", properties }, new Uint8Array(10_000));
    }
  })();
  for (let turns = 0; turns < 500 && connection.blocked === undefined; turns++) await turn();
  assertEquals(connection.blocked, "low on disk");
  assertEquals(broker.alarms.map(({ source, reason }) => [source, reason]), [
    ["disk", "999999 bytes of the disk are free, 1000000 must be"],
  ]);
  const before = published;
  assert(before < 150, `${before} published`);
  clock.advance(10_000);
  await turn();
  assertEquals(published, before);
  machine.diskFreeBytes = 1_000_000;
  clock.advance(1000);
  await publishing;
  assertEquals(broker.alarms, []);
  const after = machine.diskLooks;
  clock.advance(3_600_000);
  assertEquals(machine.diskLooks, after);
});

Deno.test("a disk of which nothing may be known is no alarm, and neither is a limit of 0", async () => {
  for (const [free, limit] of [[undefined, 1000], [10, 0]] as const) {
    const disk = new SimulatedDisk();
    const machine = new MadeUpMachine();
    machine.diskFreeBytes = free;
    await using broker = new Broker(disk.options({ machine, diskFreeLimit: limit }));
    assertEquals(broker.alarms, []);
    broker.setDiskFreeLimit(11);
    assertEquals(broker.alarms.length, free === undefined ? 0 : 1);
  }
});

Deno.test("a full disk and one with too little free are one alarm with two reasons", async () => {
  using _time = await freshTurn(); // how long the machine takes is no matter
  const disk = new SimulatedDisk();
  const { broker, machine, clock } = start(disk.options({ diskFreeLimit: 1000 }));
  await using _ = broker;
  const told: string[] = [];
  broker.on("alarm.set", ({ source }) => void told.push(`set ${source}`));
  broker.on("alarm.cleared", ({ source }) => void told.push(`cleared ${source}`));
  machine.diskFreeBytes = 1;
  broker.setDiskFreeLimit(1000);
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  disk.breaks();
  channel.queueDeclare("q", { durable: true }).catch(() => {});
  await turn();
  assertEquals(broker.alarms.map(({ reason }) => reason), [
    "1 bytes of the disk are free, 1000 must be",
    "it cannot be written",
  ]);
  machine.diskFreeBytes = 1_000_000;
  clock.advance(1000);
  await turn();
  assertEquals([broker.alarms.length, told], [1, ["set disk"]]);
  disk.works();
  clock.advance(10_000);
  await turn();
  assertEquals([broker.alarms.length, told], [0, ["set disk", "cleared disk"]]);
});
