import { assertEquals } from "@std/assert";
import { type Clock, systemClock } from "../../broker/amqp/clock.ts";
import { Broker, type Channel, type Delivery, type FieldTable } from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";

const HOUR_MS = 3_600_000;

/** A data directory that brokers are started on one after another, each at a time of its own. */
class DataDirectory implements AsyncDisposable {
  readonly path = Deno.makeTempDirSync({ prefix: "warren-" });

  /** Runs something against a broker whose clock is so far ahead. */
  async run<T>(
    aheadMs: number,
    action: (channel: Channel, broker: Broker) => Promise<T>,
  ): Promise<T> {
    const clock: Clock = { ...systemClock, now: () => Date.now() + aheadMs };
    await using broker = new Broker({ dataDir: this.path, clock });
    await using connection = await broker.connect();
    return await action(await connection.openChannel(), broker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

async function declare(channel: Channel, queue: string, arguments_: FieldTable = {}) {
  await channel.queueDeclare(queue, { durable: true, arguments: arguments_ });
}

async function publish(
  channel: Channel,
  routingKey: string,
  body: string,
  properties = {},
): Promise<void> {
  await channel.confirmSelect();
  await channel.basicPublish({ routingKey, properties: { deliveryMode: 2, ...properties } }, body);
}

async function takeAll(channel: Channel, queue: string): Promise<Delivery[]> {
  const taken: Delivery[] = [];
  for (;;) {
    const delivery = await channel.basicGet(queue);
    if (delivery === undefined) return taken;
    taken.push(delivery);
  }
}

async function bodies(channel: Channel, queue: string): Promise<string> {
  return (await takeAll(channel, queue)).map((delivery) => delivery.text()).join(" ");
}

function deaths({ properties }: Delivery): string {
  return (properties.headers?.["x-death"] as readonly FieldTable[] | undefined ?? [])
    .map(({ queue, reason, count }) => `${queue} ${reason} ${count}`).join(", ");
}

function deadTo(queue: string): FieldTable {
  return { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue };
}

Deno.test("a message grows old while the broker is down, and no older by that", async () => {
  await using directory = new DataDirectory();
  await directory.run(0, async (channel) => {
    await declare(channel, "by queue", { "x-message-ttl": 2 * HOUR_MS });
    await declare(channel, "by message");
    for (const hours of [1, 2, 3]) {
      const properties = { expiration: `${hours * HOUR_MS}` };
      await publish(channel, "by queue", `${hours}`, properties);
      await publish(channel, "by message", `${hours}`, properties);
    }
  });
  // what was restarted once and waits on must not begin its time anew
  await directory.run(0.5 * HOUR_MS, async (channel) => {
    assertEquals((await channel.queueDeclare("by queue", { passive: true })).messageCount, 3);
  });
  await directory.run(1.5 * HOUR_MS, async (channel) => {
    assertEquals((await channel.queueDeclare("by queue", { passive: true })).messageCount, 2);
  });
  await directory.run(2.5 * HOUR_MS, async (channel) => {
    assertEquals([await bodies(channel, "by queue"), await bodies(channel, "by message")], [
      "",
      "3",
    ]);
  });
});

Deno.test("what grew too old while the broker was down is dead-lettered when all is restored", async () => {
  await using directory = new DataDirectory();
  await directory.run(0, async (channel) => {
    // its name is first and its definition too, those that it needs come after it
    await declare(channel, "a", {
      "x-message-ttl": HOUR_MS,
      "x-dead-letter-exchange": "way",
    });
    await channel.exchangeDeclare("way", "topic", { durable: true });
    await channel.exchangeDeclare("on", "fanout", { durable: true });
    await channel.exchangeBind({ destination: "on", source: "way", routingKey: "#" });
    await declare(channel, "z");
    await channel.queueBind({ queue: "z", exchange: "on" });
    await publish(channel, "a", "1");
    await publish(channel, "a", "2", { expiration: "5000000" });
  });
  await directory.run(2 * HOUR_MS, async (channel) => {
    const dead = await takeAll(channel, "z");
    assertEquals(dead.map((delivery) => delivery.text()), ["1", "2"]);
    assertEquals(dead.map(deaths), ["a expired 1", "a expired 1"]);
    assertEquals(dead[1]!.properties.expiration, undefined);
    assertEquals(await bodies(channel, "a"), "");
  });
  await directory.run(2 * HOUR_MS, async (channel) => {
    assertEquals((await takeAll(channel, "z")).map(deaths), ["a expired 1", "a expired 1"]);
    assertEquals(await bodies(channel, "a"), "");
  });
});

Deno.test("a great many that grew too old while the broker was down are all dead-lettered", async () => {
  await using directory = new DataDirectory();
  const count = 5000;
  await directory.run(0, async (channel) => {
    await declare(channel, "dead");
    await declare(channel, "q", { "x-message-ttl": HOUR_MS, ...deadTo("dead") });
    await channel.confirmSelect();
    const properties = { deliveryMode: 2 };
    const publishes = Array.from(
      { length: count },
      (_, index) => channel.basicPublish({ routingKey: "q", properties }, `${index}`),
    );
    await Promise.all(publishes);
  });
  await directory.run(2 * HOUR_MS, async (channel) => {
    const seen: string[] = [];
    const all = Promise.withResolvers<void>();
    await channel.basicConsume("dead", { noAck: true }, (delivery) => {
      if (seen.push(delivery.text()) === count) all.resolve();
    });
    await all.promise;
    assertEquals(seen, Array.from({ length: count }, (_, index) => `${index}`));
    assertEquals(await bodies(channel, "q"), "");
  });
});

Deno.test("priorities survive, those of messages that came back too", async () => {
  await using directory = new DataDirectory();
  await directory.run(0, async (channel) => {
    await declare(channel, "q", { "x-max-priority": 5 });
    for (const [body, priority] of [["a", 1], ["b", 5], ["c", 9], ["d", 3], ["e", 1]] as const) {
      await publish(channel, "q", body, { priority });
    }
    await channel.basicGet("q");
    await channel.basicGet("q");
  });
  await directory.run(0, async (channel) => {
    await publish(channel, "q", "f", { priority: 5 });
    const taken = await takeAll(channel, "q");
    assertEquals(
      taken.map((delivery) => delivery.text() + (delivery.redelivered ? "*" : "")).slice(0, 3),
      ["b*", "c*", "f"],
    );
    assertEquals(taken.map((delivery) => delivery.text()).join(""), "bcfdae");
  });
});

Deno.test("the story of its deaths survives with a message, and goes on", async () => {
  await using directory = new DataDirectory();
  await directory.run(0, async (channel) => {
    await declare(channel, "work", deadTo("wait"));
    await declare(channel, "wait", { "x-message-ttl": HOUR_MS, ...deadTo("work") });
    await publish(channel, "work", "job");
    (await channel.basicGet("work"))!.reject({ requeue: false });
  });
  for (let round = 1; round <= 3; round++) {
    await directory.run(round * 2 * HOUR_MS, async (channel) => {
      const delivery = (await channel.basicGet("work"))!;
      assertEquals(deaths(delivery), `wait expired ${round}, work rejected ${round}`);
      delivery.reject({ requeue: false });
    });
  }
});

Deno.test("how often a message came back survives", async () => {
  await using directory = new DataDirectory();
  await directory.run(0, async (channel) => {
    await declare(channel, "dead");
    await declare(channel, "q", {
      "x-queue-type": "quorum",
      "x-delivery-limit": 3,
      ...deadTo("dead"),
    });
    await publish(channel, "q", "1");
    await publish(channel, "q", "2");
    (await channel.basicGet("q"))!.nack({ requeue: true });
    await channel.basicGet("q"); // comes back when the broker closes
  });
  await directory.run(0, async (channel) => {
    const [one, two] = await takeAll(channel, "q");
    assertEquals([one?.text(), one?.redelivered, one?.properties.headers], ["1", true, {
      "x-acquired-count": 2,
      "x-delivery-count": 2,
    }]);
    assertEquals([two?.text(), two?.redelivered, two?.properties.headers], ["2", false, undefined]);
    one!.nack({ requeue: true });
    const again = (await channel.basicGet("q"))!;
    assertEquals([again.text(), again.properties.headers], ["1", {
      "x-acquired-count": 3,
      "x-delivery-count": 3,
    }]);
    again.nack({ requeue: true });
    const dead = (await channel.basicGet("dead"))!;
    assertEquals([dead.text(), deaths(dead)], ["1", "q delivery_limit 1"]);
  });
});

Deno.test("how often a message came back to a classic queue survives, and is told if that is wanted", async () => {
  await using directory = new DataDirectory();
  await directory.run(0, async (channel, broker) => {
    await declare(channel, "counting", { "x-delivery-count": true });
    await declare(channel, "silent");
    await declare(channel, "by-policy");
    const definition = { "delivery-count": true };
    await broker.setPolicy({ name: "p", pattern: "by-policy", definition });
    for (const queue of ["counting", "silent", "by-policy"]) {
      await publish(channel, queue, "1");
      (await channel.basicGet(queue))!.nack({ requeue: true });
      await channel.basicGet(queue); // comes back when the broker closes
    }
  });
  await directory.run(0, async (channel, broker) => {
    const told = async (queue: string) => {
      const delivery = (await channel.basicGet(queue))!;
      delivery.nack({ requeue: true });
      return [delivery.redelivered, delivery.properties.headers?.["x-delivery-count"]];
    };
    assertEquals(await told("counting"), [true, 2]);
    assertEquals(await told("by-policy"), [true, 2]);
    assertEquals(await told("silent"), [true, undefined]);
    await broker.deletePolicy("p");
    await broker.setPolicy({
      name: "p",
      pattern: "silent",
      definition: { "delivery-count": true },
    });
    assertEquals(await told("silent"), [true, 3]);
    assertEquals(await told("by-policy"), [true, undefined]);
    assertEquals(await told("counting"), [true, 3]);
  });
});

Deno.test("limits hold for what was there before", async () => {
  await using directory = new DataDirectory();
  await directory.run(0, async (channel) => {
    await declare(channel, "dead");
    await declare(channel, "q", { "x-max-length": 3, ...deadTo("dead") });
    await declare(channel, "full", { "x-max-length": 1, "x-overflow": "reject-publish" });
    for (const body of ["1", "2", "3"]) await publish(channel, "q", body);
    await publish(channel, "full", "1");
  });
  await directory.run(0, async (channel) => {
    await publish(channel, "q", "4");
    await channel.basicPublish({ routingKey: "full", properties: { deliveryMode: 2 } }, "2")
      ?.catch(() => {});
    assertEquals(
      [await bodies(channel, "dead"), await bodies(channel, "q"), await bodies(channel, "full")],
      ["1", "2 3 4", "1"],
    );
  });
});

Deno.test("a dead message that waits for a way is where it died after a restart", async () => {
  await using directory = new DataDirectory();
  await directory.run(0, async (channel) => {
    await declare(channel, "q", {
      "x-queue-type": "quorum",
      "x-overflow": "reject-publish",
      "x-dead-letter-strategy": "at-least-once",
      ...deadTo("dead"),
    });
    await publish(channel, "q", "1");
    (await channel.basicGet("q"))!.reject({ requeue: false });
    assertEquals(await bodies(channel, "q"), "");
  });
  await directory.run(0, async (channel) => {
    const [one] = await takeAll(channel, "q");
    assertEquals([one?.text(), one?.redelivered], ["1", true]);
  });
});

Deno.test("a queue that may be unused for some time begins anew with the broker", async () => {
  await using directory = new DataDirectory();
  await directory.run(0, async (channel) => {
    await declare(channel, "q", { "x-expires": HOUR_MS });
    await publish(channel, "q", "1");
  });
  await directory.run(10 * HOUR_MS, async (channel) => {
    assertEquals(await bodies(channel, "q"), "1");
  });
});

Deno.test("what came back too often, and is kept since nobody takes the dead, is dead after a restart", async () => {
  const disk = new SimulatedDisk();
  const clock = new ManualClock();
  const run = async (action: (channel: Channel) => Promise<void>) => {
    await using broker = new Broker(disk.options({ clock }));
    await using connection = await broker.connect();
    await action(await connection.openChannel());
  };
  await run(async (channel) => {
    await declare(channel, "q", {
      ...deadTo("dead"),
      "x-queue-type": "quorum",
      "x-delivery-limit": 1,
      "x-dead-letter-strategy": "at-least-once",
      "x-overflow": "reject-publish",
    });
    for (const body of ["poison", "good"]) await publish(channel, "q", body);
    for (let time = 0; time < 2; time++) (await channel.basicGet("q"))!.reject({ requeue: true });
  });
  await run(async (channel) => {
    assertEquals(await bodies(channel, "q"), "good");
    await channel.queueDeclare("dead");
    clock.advance(1000);
    const [dead] = await takeAll(channel, "dead");
    assertEquals(dead?.text(), "poison");
    assertEquals(deaths(dead!), "q delivery_limit 1");
    dead!.ack();
  });
  await run(async (channel) => {
    assertEquals(await bodies(channel, "q"), "good", "it is in one place");
  });
});
