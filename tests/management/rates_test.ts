import { assert, assertEquals } from "@std/assert";
import { Broker } from "../../mod.ts";
import { pollSockets } from "../../broker/amqp/turn.ts";
import { Rates } from "../../broker/management/rates.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { ManagedBroker } from "./support.ts";

/** A multiple of five seconds, so that samples are where one expects them. */
const START = 1_700_000_000_000;

function managed(): { managed: ManagedBroker; clock: ManualClock } {
  const clock = new ManualClock();
  clock.advance(START);
  return { managed: new ManagedBroker({ clock }), clock };
}

/** Lets time pass until everything was looked at once more. */
async function pass(clock: ManualClock): Promise<void> {
  clock.advance(5000);
  await pollSockets();
}

Deno.test("each kind of message is counted for its queue, its channel, its vhost and the broker", async () => {
  await using managed = new ManagedBroker();
  const connection = await managed.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("orders");
  await channel.queueDeclare("news");
  await channel.exchangeDeclare("ex", "fanout");
  await channel.queueBind({ queue: "orders", exchange: "ex" });
  await channel.queueBind({ queue: "news", exchange: "ex" });
  await channel.confirmSelect();
  for (let count = 0; count < 4; count++) await channel.basicPublish({ exchange: "ex" }, "x");
  await channel.basicPublish({ routingKey: "orders" }, "x");
  await channel.basicPublish({ routingKey: "nowhere" }, "x");
  await channel.basicPublish({ routingKey: "nowhere", mandatory: true }, "x");

  (await channel.basicGet("orders"))!.ack();
  (await channel.basicGet("orders"))!.nack({ requeue: true });
  await channel.basicGet("orders", { noAck: true });
  await channel.queueDeclare("empty");
  await channel.basicGet("empty");
  let seen = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  await channel.basicConsume("news", {}, (delivery) => {
    delivery.ack();
    if (++seen === 4) resolve();
  });
  await promise;
  await channel.queueDeclare("news", { passive: true }); // behind the acks

  const counts = (stats: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(stats).filter(([name, value]) => !name.endsWith("_details") && value !== 0),
    );
  const queue = await managed.get("/queues/%2F/orders");
  assertEquals(counts(queue.message_stats), {
    publish: 5,
    get: 2,
    get_no_ack: 1,
    redeliver: 1,
    ack: 1,
    deliver_get: 3,
  });
  assertEquals([queue.messages, queue.messages_ready, queue.messages_unacknowledged], [3, 3, 0]);
  const news = await managed.get("/queues/%2F/news");
  assertEquals(counts(news.message_stats), { publish: 4, deliver: 4, ack: 4, deliver_get: 4 });
  const ofChannel = {
    publish: 7,
    confirm: 7,
    return_unroutable: 1,
    drop_unroutable: 1,
    get: 2,
    get_no_ack: 1,
    get_empty: 1,
    deliver: 4,
    redeliver: 1,
    ack: 5,
    deliver_get: 7,
  };
  const [told] = await managed.get("/channels");
  assertEquals(counts(told.message_stats), ofChannel);
  const exchange = await managed.get("/exchanges/%2F/ex");
  assertEquals(counts(exchange.message_stats), { publish_in: 4, publish_out: 8 });
  const byDefault = await managed.get("/exchanges/%2F/amq.default");
  assertEquals(counts(byDefault.message_stats), { publish_in: 3, publish_out: 1 });

  // what a channel has done counts on when it is closed
  for (const again of [false, true]) {
    const overview = await managed.get("/overview");
    assertEquals(counts(overview.message_stats), ofChannel, `${again}`);
    const vhost = await managed.get("/vhosts/%2F");
    assertEquals(counts(vhost.message_stats), ofChannel, `${again}`);
    await connection.close();
  }
});

Deno.test("a rate is what came in the last five seconds, each second", async () => {
  const { managed: one, clock } = managed();
  await using managedBroker = one;
  await using connection = await managedBroker.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("orders");
  const publish = async (count: number) => {
    for (let done = 0; done < count; done++) {
      await channel.basicPublish({ routingKey: "orders" }, "x");
    }
    await channel.queueDeclare("orders", { passive: true });
  };
  const rates = async () => {
    const queue = await managedBroker.get("/queues/%2F/orders");
    const { message_stats: overview } = await managedBroker.get("/overview");
    return [
      queue.message_stats.publish_details.rate,
      queue.messages_details.rate,
      overview.publish_details.rate,
    ];
  };
  await publish(10);
  assertEquals(await rates(), [0, 0, 0]);
  clock.advance(5000);
  assertEquals(await rates(), [2, 2, 2]);
  await publish(20);
  clock.advance(5000);
  assertEquals(await rates(), [4, 4, 4]);
  clock.advance(5000);
  assertEquals(await rates(), [0, 0, 0]);
});

Deno.test("samples are told of the time that is asked for, newest first", async () => {
  const { managed: one, clock } = managed();
  await using managedBroker = one;
  await using connection = await managedBroker.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("orders");
  for (let count = 0; count < 3; count++) {
    await channel.basicPublish({ routingKey: "orders" }, "x");
    await channel.queueDeclare("orders", { passive: true });
    await pass(clock);
  }
  const span = "age=15&msg_rates_incr=5&lengths_age=10&lengths_incr=10";
  const told = await managedBroker.get(`/queues/%2F/orders?msg_rates_${span}`);
  const now = START + 15_000;
  assertEquals(told.message_stats.publish_details, {
    rate: 0.2,
    samples: [
      { sample: 3, timestamp: now },
      { sample: 2, timestamp: now - 5000 },
      { sample: 1, timestamp: now - 10_000 },
      { sample: 0, timestamp: now - 15_000 },
    ],
    avg_rate: 0.2,
    avg: 1.5,
  });
  assertEquals(
    told.messages_details.samples.map(({ sample }: { sample: number }) => sample),
    [2, 0],
  );
  const overview = await managedBroker.get(`/overview?msg_rates_${span}`);
  assertEquals(overview.message_stats.publish_details.samples.length, 4);
  for (const list of ["queues", "nodes"]) {
    const answer = await managedBroker.ask("GET", `/${list}?lengths_age=9&lengths_incr=0`);
    assertEquals([list, answer.status], [list, 400]);
  }
});

Deno.test("a queue to which nothing happens for long has the same length all the time", async () => {
  const { managed: one, clock } = managed();
  await using managedBroker = one;
  await using connection = await managedBroker.broker.connect();
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  for (const [queue, count] of [["three", 3], ["two", 2], ["also.three", 3]] as const) {
    await channel.queueDeclare(queue);
    for (let done = 0; done < count; done++) {
      await channel.basicPublish({ routingKey: queue }, "x");
    }
  }
  const looks = async (minutes: number) => {
    for (let look = 0; look < minutes * 12; look++) {
      await pass(clock);
    }
  };
  const samples = async (name: string, age: number): Promise<number[]> => {
    const span = `lengths_age=${age}&lengths_incr=5`;
    const all = await managedBroker.get(`/queues?${span}`);
    const queue = all.find((one: { readonly name: string }) => one.name === name);
    const { samples, avg, rate } = queue.messages_details;
    assertEquals(rate, 0);
    const told = samples.map(({ sample }: { sample: number }) => sample);
    const mean = told.reduce((sum: number, one: number) => sum + one) / told.length;
    assert(Math.abs(avg - mean) < 1e-9, `${avg} instead of ${mean}`);
    return told;
  };
  await looks(10);
  for (const [name, length] of [["three", 3], ["two", 2], ["also.three", 3]] as const) {
    assertEquals(await samples(name, 120), Array(25).fill(length));
  }
  // and nothing before it was made
  const hour = await samples("three", 3600);
  assertEquals([hour[0], hour[118], hour.at(-1)], [3, 3, 0]);
  assertEquals(hour.indexOf(0), 120);
});

/** What a queue's length was, newest first, with a point every five seconds. */
async function lengths(managed: ManagedBroker, queue: string, age: number): Promise<number[]> {
  const span = `lengths_age=${age}&lengths_incr=5`;
  const { messages_details: told } = await managed.get(`/queues/%2F/${queue}?${span}`);
  return told.samples.map(({ sample }: { readonly sample: number }) => sample);
}

Deno.test("a queue that wakes up was there all the time", async () => {
  const { managed: one, clock } = managed();
  await using managedBroker = one;
  await using connection = await managedBroker.broker.connect();
  const channel = await connection.openChannel();
  const publish = async () => {
    await channel.basicPublish({ routingKey: "orders" }, "x");
    await channel.queueDeclare("orders", { passive: true });
  };
  const looks = async (count: number) => {
    for (let look = 0; look < count; look++) {
      await pass(clock);
    }
  };
  await channel.queueDeclare("orders");
  for (let count = 0; count < 10; count++) await publish();
  await looks(120);
  for (const length of [11, 12]) {
    await publish();
    await looks(1);
    assertEquals(
      await lengths(managedBroker, "orders", 300),
      [length, ...Array(60).fill(length - 1)],
    );
    // no more than one message came, so nothing can have been faster than that
    const span = "msg_rates_age=300&msg_rates_incr=5";
    const { message_stats: { publish_details: { samples } } } = await managedBroker.get(
      `/queues/%2F/orders?${span}`,
    );
    const steps = samples.slice(1).map(({ sample }: { readonly sample: number }, at: number) =>
      samples[at].sample - sample
    );
    assertEquals(Math.max(...steps), 1);
    await looks(120);
  }
});

Deno.test("a queue that is busy for longer than its history goes back did not begin with nothing there", async () => {
  const { managed: one, clock } = managed();
  await using managedBroker = one;
  await using connection = await managedBroker.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("orders");
  for (let look = 1; look <= 100; look++) {
    await channel.basicPublish({ routingKey: "orders" }, "x");
    await channel.queueDeclare("orders", { passive: true });
    await pass(clock);
  }
  // five minutes as they were, and the oldest of them for what was before
  const five = Array.from({ length: 61 }, (_, at) => 100 - at);
  assertEquals(await lengths(managedBroker, "orders", 600), [...five, ...Array(60).fill(40)]);
});

Deno.test("a change of a queue that has no history is one step", async () => {
  const clock = new ManualClock(START);
  await using broker = new Broker({ clock });
  // more than histories are kept of
  for (let queue = 0; queue < 4200; queue++) {
    await broker.declareQueue({ queue: `q${queue}` });
    await broker.bind({ source: "amq.fanout", destination: `q${queue}`, routingKey: "" });
  }
  using rates = new Rates(broker, clock);
  await rates.sample();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  const lengthsOf = (queue: string) =>
    rates.samples(broker.meter("queue", queue)!, "messages", { age: 30, increment: 5 }, clock.now())
      .map(({ sample }) => sample);
  for (let messages = 1; messages <= 3; messages++) {
    await channel.basicPublish({ exchange: "amq.fanout" }, "x");
    clock.advance(5000);
    await rates.sample();
    assertEquals(
      lengthsOf("q4199"),
      [messages, ...Array(6).fill(messages - 1)],
      `${messages} messages`,
    );
  }
  assertEquals(lengthsOf("q0"), [3, 2, 1, 0, 0, 0, 0]);
});

Deno.test("what a user may see has the history that it had", async () => {
  const { managed: one, clock } = managed();
  await using managed_ = one;
  const { broker } = managed_;
  await managed_.addUser("ann", "management");
  for (const vhost of ["hers", "secret"]) await broker.addVhost(vhost);
  const all = { configure: ".*", write: ".*", read: ".*" };
  await broker.setPermissions({ user: "ann", vhost: "hers", ...all });
  for (const vhost of ["/", "hers", "secret"]) await broker.declareQueue({ queue: "q", vhost });
  for (const vhosts of [["/"], ["/", "hers", "secret"], ["hers"]]) {
    for (const vhost of vhosts) {
      await using connection = await broker.connect({ vhost });
      const channel = await connection.openChannel();
      await channel.confirmSelect();
      await channel.basicPublish({ routingKey: "q" }, "x");
    }
    await pass(clock);
  }
  const span = ["lengths", "msg_rates"].map((name) => `${name}_age=20&${name}_incr=5`).join("&");
  const numbers = ({ samples }: { readonly samples: readonly { readonly sample: number }[] }) =>
    samples.map(({ sample }) => sample);
  const { queue_totals: lengths, message_stats: stats } = await managed_.get(`/overview?${span}`, {
    user: "ann:p",
  });
  assertEquals(lengths.messages, 4);
  assertEquals(numbers(lengths.messages_details), [4, 3, 1, 0, 0]);
  assertEquals(lengths.messages_details.rate, 0.2);
  assertEquals(numbers(stats.publish_details), [4, 3, 1, 0, 0]);
  const [, hers] = await managed_.get(`/vhosts?${span}`);
  assertEquals(numbers(hers.messages_details), [2, 1, 0, 0, 0]);
});

Deno.test("an hour of the whole is kept, and a day in minutes", async () => {
  const { managed: one, clock } = managed();
  await using managedBroker = one;
  await using connection = await managedBroker.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("orders");
  await channel.basicPublish({ routingKey: "orders" }, "x");
  await channel.queueDeclare("orders", { passive: true });
  for (let minute = 0; minute < 120; minute++) {
    clock.advance(60_000);
    await Promise.resolve();
  }
  const samples = async (age: number, increment: number): Promise<number[]> => {
    const span = `msg_rates_age=${age}&msg_rates_incr=${increment}`;
    const { message_stats: { publish_details: told } } = await managedBroker.get(
      `/overview?${span}`,
    );
    return told.samples.map(({ sample }: { sample: number }) => sample);
  };
  assertEquals(new Set(await samples(3600, 5)), new Set([1]));
  const day = await samples(3 * 3600, 600);
  assertEquals([day[0], day[11], day.at(-1)], [1, 1, 0]);
});

Deno.test("a queue that is declared again is counted as declared, not as created", async () => {
  await using managed = new ManagedBroker();
  for (const _ of ["once", "again"]) await managed.broker.declareQueue({ queue: "q" });
  await endOfTurn(); // at which it is told that one was created
  const { churn_rates: rates } = await managed.get("/overview");
  assertEquals([rates.queue_declared, rates.queue_created], [2, 1]);
});
