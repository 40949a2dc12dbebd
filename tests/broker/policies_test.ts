import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { DefinitionError } from "../../broker/policy/error.ts";
import type { Channel } from "../../client/channel.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** A broker, a channel to it, and what a test needs to see. */
class Scene implements AsyncDisposable {
  readonly broker: Broker;
  readonly clock = new ManualClock();
  channel!: Channel;

  constructor() {
    this.broker = new Broker({ clock: this.clock });
  }

  static async open(): Promise<Scene> {
    const scene = new Scene();
    const connection = await scene.broker.connect();
    scene.channel = await connection.openChannel();
    return scene;
  }

  async fill(queue: string, ...bodies: string[]): Promise<void> {
    for (const body of bodies) await this.channel.basicPublish({ routingKey: queue }, body);
  }

  async count(queue: string): Promise<number> {
    return (await this.channel.queueDeclare(queue, { passive: true })).messageCount;
  }

  async drain(queue: string): Promise<string[]> {
    const bodies: string[] = [];
    for (;;) {
      const delivery = await this.channel.basicGet(queue, { noAck: true });
      if (delivery === undefined) return bodies;
      bodies.push(delivery.text());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
  }
}

Deno.test("a policy with max-length takes the oldest messages out of queues that are there", async () => {
  await using scene = await Scene.open();
  const { broker, channel } = scene;
  await channel.queueDeclare("logs.a");
  await channel.queueDeclare("jobs");
  for (const queue of ["logs.a", "jobs"]) await scene.fill(queue, "1", "2", "3");
  await broker.setPolicy({ name: "short", pattern: "^logs", definition: { "max-length": 2 } });
  assertEquals([await scene.count("logs.a"), await scene.count("jobs")], [2, 3]);
  await scene.fill("logs.a", "4");
  assertEquals(await scene.drain("logs.a"), ["3", "4"]);

  await channel.queueDeclare("logs.later");
  await scene.fill("logs.later", "1", "2", "3");
  assertEquals(await scene.count("logs.later"), 2, "it applies to what is declared later");

  await broker.deletePolicy("short");
  await scene.fill("logs.later", "4");
  assertEquals(await scene.count("logs.later"), 3, "and no more once it is deleted");
});

Deno.test("what a policy lets go is dead-lettered as the policy says", async () => {
  await using scene = await Scene.open();
  const { broker, channel } = scene;
  await channel.queueDeclare("dead");
  await channel.queueDeclare("q");
  await scene.fill("q", "1", "2", "3");
  await broker.setPolicy({
    name: "p",
    pattern: "^q$",
    definition: {
      "max-length": 1,
      "dead-letter-exchange": "",
      "dead-letter-routing-key": "dead",
    },
  });
  assertEquals([await scene.drain("q"), await scene.drain("dead")], [["3"], ["1", "2"]]);
});

/** Four who may say how long a message lives, in milliseconds. */
const LIFETIMES: readonly (readonly [
  argument: number | undefined,
  policy: number | undefined,
  operator: number | undefined,
  expiration: number | undefined,
])[] = [
  [100, 200, 300, 400],
  [400, 100, 200, 300],
  [300, 400, 100, 200],
  [200, 300, 400, 100],
  [undefined, 100, undefined, 200],
  [200, undefined, 100, undefined],
  [undefined, undefined, undefined, 100],
];

for (const [argument, policy, operator, expiration] of LIFETIMES) {
  Deno.test(`of a queue's ${argument}, a policy's ${policy}, an operator's ${operator} and a message's ${expiration} ms the shortest counts`, async () => {
    await using scene = await Scene.open();
    const { broker, channel, clock } = scene;
    const arguments_ = argument === undefined ? {} : { "x-message-ttl": argument };
    await channel.queueDeclare("q", { arguments: arguments_ });
    const ttl = (ms: number) => ({ name: "p", pattern: "", definition: { "message-ttl": ms } });
    if (policy !== undefined) await broker.setPolicy(ttl(policy));
    if (operator !== undefined) await broker.setOperatorPolicy(ttl(operator));
    const properties = expiration === undefined ? {} : { expiration: `${expiration}` };
    await channel.basicPublish({ routingKey: "q", properties }, "1");
    clock.advance(99);
    assertEquals(await scene.count("q"), 1);
    clock.advance(1);
    assertEquals(await scene.count("q"), 0);
  });
}

Deno.test("a policy with message-ttl of 0 lets go what nobody is there for, and nothing that waits", async () => {
  await using scene = await Scene.open();
  const { broker, channel, clock } = scene;
  clock.advance(1000); // no deadline falls into the first moment of 1970
  await channel.queueDeclare("q");
  await scene.fill("q", "before");
  await broker.setPolicy({ name: "ttl", pattern: "", definition: { "message-ttl": 0 } });
  assertEquals(await scene.drain("q"), ["before"]);
  await scene.fill("q", "after");
  assertEquals(await scene.count("q"), 0);
  const got = Promise.withResolvers<string>();
  await channel.basicConsume("q", {}, (delivery) => got.resolve(delivery.text()));
  await scene.fill("q", "to a consumer");
  assertEquals(await got.promise, "to a consumer");
});

Deno.test("a policy with message-ttl is for messages that come later, those that wait keep theirs", async () => {
  await using scene = await Scene.open();
  const { broker, channel, clock } = scene;
  await channel.queueDeclare("q");
  await scene.fill("q", "before");
  await broker.setPolicy({ name: "ttl", pattern: "", definition: { "message-ttl": 100 } });
  await scene.fill("q", "after");
  clock.advance(1000);
  assertEquals(await scene.count("q"), 2, "the second one is not at the head");
  assertEquals(await scene.drain("q"), ["before"]);
  await scene.fill("q", "head");
  clock.advance(1000);
  assertEquals(await scene.count("q"), 0);
});

Deno.test("a policy with expires deletes queues that nobody uses, also those that were there", async () => {
  await using scene = await Scene.open();
  const { broker, channel, clock } = scene;
  await channel.queueDeclare("q");
  clock.advance(500);
  await broker.setPolicy({ name: "p", pattern: "", definition: { expires: 1000 } });
  clock.advance(900);
  await broker.setPolicy({ name: "p", pattern: "", definition: { expires: 2000 } });
  clock.advance(1900);
  assertEquals(broker.appliedPolicy({ queue: "q" })?.policy, "p", "its time began again");
  clock.advance(200);
  assertEquals(broker.appliedPolicy({ queue: "q" }), undefined);
});

Deno.test("a policy gives exchanges an alternate, unless they have one by argument", async () => {
  await using scene = await Scene.open();
  const { broker, channel } = scene;
  await channel.exchangeDeclare("rest", "fanout");
  await channel.exchangeDeclare("own", "fanout");
  await channel.exchangeDeclare("a", "direct");
  await channel.exchangeDeclare("b", "direct", { arguments: { "alternate-exchange": "own" } });
  for (const name of ["rest", "own"]) {
    await channel.queueDeclare(name);
    await channel.queueBind({ queue: name, exchange: name });
  }
  const send = async () => {
    for (const exchange of ["a", "b"]) {
      await channel.basicPublish({ exchange, routingKey: "k" }, exchange);
    }
    return [await scene.drain("rest"), await scene.drain("own")];
  };
  assertEquals(await send(), [[], ["b"]]);
  await broker.setPolicy({
    name: "ae",
    pattern: "^.$",
    applyTo: "exchanges",
    definition: { "alternate-exchange": "rest" },
  });
  assertEquals(await send(), [["a"], ["b"]]);
  assertEquals(broker.appliedPolicy({ exchange: "a" })?.definition, {
    "alternate-exchange": "rest",
  });
  await channel.exchangeDeclare("c", "direct");
  await channel.basicPublish({ exchange: "c", routingKey: "k" }, "c");
  assertEquals(await scene.drain("rest"), ["c"]);
  await broker.deletePolicy("ae");
  assertEquals(await send(), [[], ["b"]]);
});

Deno.test("a policy that refuses what is too much refuses at once", async () => {
  await using scene = await Scene.open();
  const { broker, channel } = scene;
  await channel.queueDeclare("q");
  await channel.confirmSelect();
  await scene.fill("q", "1");
  await broker.setPolicy({
    name: "full",
    pattern: "",
    definition: { "max-length": 1, overflow: "reject-publish" },
  });
  await assertRejects(() => scene.fill("q", "2"));
  assertEquals(await scene.drain("q"), ["1"]);
});

Deno.test("an operator policy limits what policies and arguments allow", async () => {
  await using scene = await Scene.open();
  const { broker, channel } = scene;
  await channel.queueDeclare("q", { arguments: { "x-max-length": 4 } });
  await broker.setPolicy({ name: "user", pattern: "", definition: { "max-length": 3 } });
  await broker.setOperatorPolicy({ name: "op", pattern: "", definition: { "max-length": 2 } });
  await scene.fill("q", "1", "2", "3", "4", "5");
  assertEquals(await scene.count("q"), 2);
  assertEquals(broker.appliedPolicy({ queue: "q" }), {
    policy: "user",
    operatorPolicy: "op",
    definition: { "max-length": 2 },
  });
  assertEquals(broker.operatorPolicies().map(({ name }) => name), ["op"]);
  await broker.deleteOperatorPolicy("op");
  await scene.fill("q", "6", "7");
  assertEquals(await scene.count("q"), 3);
});

Deno.test("policies apply to exclusive queues, too", async () => {
  await using scene = await Scene.open();
  await scene.channel.queueDeclare("mine", { exclusive: true });
  await scene.fill("mine", "1", "2");
  await scene.broker.setPolicy({ name: "p", pattern: "", definition: { "max-length": 1 } });
  assertEquals(await scene.drain("mine"), ["2"]);
});

Deno.test("policies that are wrong or missing are refused and change nothing", async () => {
  await using broker = new Broker();
  const good = { name: "p", pattern: "", definition: { "max-length": 1 } };
  await broker.setPolicy(good);
  const refused = async (action: () => Promise<void>, code: string) =>
    assertEquals((await assertRejects(action, DefinitionError)).code, code);
  await refused(() => broker.setPolicy({ ...good, definition: { "max-length": -1 } }), "invalid");
  await refused(() => broker.setPolicy({ ...good, pattern: "(a+)+$" }), "invalid");
  await refused(() => broker.setPolicy({ ...good, definition: { at: 1n } as never }), "invalid");
  await refused(() => broker.setPolicy({ ...good, vhost: "nope" }), "not-found");
  await refused(() => broker.deletePolicy("q"), "not-found");
  await refused(() => broker.deleteOperatorPolicy("p"), "not-found");
  assertEquals(broker.policies(), [{
    ...good,
    vhost: "/",
    applyTo: "all",
    priority: 0,
  }]);
  assertThrows(() => broker.policies({ vhost: "nope" }), DefinitionError, "does not exist");
});

Deno.test("what a program does to a policy that it was given or gave changes nothing", async () => {
  await using broker = new Broker();
  const definition = { "max-length": 1 };
  await broker.setPolicy({ name: "p", pattern: "", definition });
  definition["max-length"] = 5;
  const [policy] = broker.policies();
  assertThrows(() => Object.assign(policy!.definition, { "max-length": 9 }), TypeError);
  assertEquals(broker.policies()[0]?.definition, { "max-length": 1 });
});

Deno.test("nothing can be set once the broker is closed", async () => {
  const broker = new Broker();
  await broker.close();
  await assertRejects(() => broker.addVhost("late"), TypeError, "broker is closed");
});

Deno.test("a policy with max-length-bytes makes a stream let its old segments go", async () => {
  await using scene = await Scene.open();
  const { broker, channel } = scene;
  const arguments_ = { "x-queue-type": "stream", "x-stream-max-segment-size-bytes": 1000 };
  await channel.queueDeclare("s", { durable: true, arguments: arguments_ });
  await channel.confirmSelect();
  const body = new Uint8Array(500);
  for (let count = 0; count < 10; count++) await channel.basicPublish({ routingKey: "s" }, body);
  assertEquals(await scene.count("s"), 10);
  await broker.setPolicy({
    name: "p",
    pattern: "",
    applyTo: "streams",
    definition: { "max-length-bytes": 2000 },
  });
  for (let count = 0; count < 10; count++) await channel.basicPublish({ routingKey: "s" }, body);
  assertEquals(await scene.count("s") < 10, true, "only the newest are left");
  assertEquals(broker.appliedPolicy({ queue: "s" })?.policy, "p");
});

Deno.test("a name that the store could not keep is refused", async () => {
  await using broker = new Broker();
  const name = "n".repeat(70_000);
  const tooLong = (thing: string) => `name of ${thing} is longer than 4096 bytes`;
  const refusals: [() => Promise<unknown>, string][] = [
    [() => broker.setPolicy({ name, pattern: "", definition: { "max-length": 1 } }), "policy"],
    [() => broker.setGlobalParameter(name, 1), "global parameter"],
    [
      () =>
        broker.setTopicPermissions({
          user: "guest",
          vhost: "/",
          exchange: name,
          write: "",
          read: "",
        }),
      "exchange",
    ],
  ];
  for (const [set, thing] of refusals) {
    await assertRejects(set, DefinitionError, tooLong(thing));
  }
  await broker.setGlobalParameter("ü".repeat(2048), 1);
});

Deno.test("to list queues takes no look at policies, and to set one takes no look at the others", async () => {
  await using broker = new Broker();
  for (let number = 0; number < 20; number++) await broker.declareQueue({ queue: `q${number}` });
  const definition = { "max-length": 1 };
  for (let number = 0; number < 10; number++) {
    await broker.setPolicy({ name: `p${number}`, pattern: `^q${number}$`, definition });
  }
  const { test } = RegExp.prototype;
  let looks = 0;
  RegExp.prototype.test = function (text) {
    if (this.source.includes("q")) looks++;
    return test.call(this, text);
  };
  try {
    assertEquals([...broker.queues()].filter(({ policy }) => policy !== null).length, 10);
    assertEquals([...broker.exchanges()].filter(({ policy }) => policy !== null).length, 0);
    assertEquals(looks, 0);
    await broker.setPolicy({ name: "all", pattern: "^q1", priority: 1, definition });
    // of all queues and exchanges one look each
    assertEquals(looks, 20 + broker.count("exchange") + 1);
  } finally {
    RegExp.prototype.test = test;
  }
  assertEquals(broker.appliedPolicy({ queue: "q1" })?.policy, "all");
  assertEquals(broker.appliedPolicy({ queue: "q2" })?.policy, "p2");
});
