import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { type BindingFields, Broker, connect, type ExchangeType } from "../../mod.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { attempt, drain, outcome, queueExists } from "./observe.ts";

/**
 * Exchange types that a program brings along, good ones and bad ones.
 *
 * @module
 */

/** Sends each message to the queues whose binding key the routing key begins with. */
const prefix: ExchangeType = {
  name: "x-prefix",
  createTable() {
    const bindings = new Set<BindingFields>();
    return {
      cacheable: true,
      add: (binding) => void bindings.add(binding),
      remove: (binding) => void bindings.delete(binding),
      route(routingKey, _message, into) {
        for (const binding of bindings) {
          if (routingKey.startsWith(binding.routingKey)) into.add(binding.destination);
        }
      },
    };
  },
};

/** What a bad type can throw in. */
type Place =
  | "createTable"
  | "add"
  | "remove"
  | "route"
  | "lookup"
  | "onlyKey"
  | "delay"
  | "history";

/** A type that takes everything, except that it throws in one place. */
function broken(place: Place): ExchangeType {
  const guard = (where: Place) => {
    if (where === place) throw new Error(`broken in ${where}`);
  };
  return {
    name: "x-broken",
    createTable() {
      guard("createTable");
      const bindings = new Set<BindingFields>();
      return {
        cacheable: true,
        add(binding) {
          guard("add");
          bindings.add(binding);
        },
        remove(binding) {
          guard("remove");
          bindings.delete(binding);
        },
        route(_routingKey, _message, into) {
          guard("route");
          for (const { destination } of bindings) into.add(destination);
        },
        lookup() {
          guard("lookup");
          return undefined;
        },
        onlyKey() {
          guard("onlyKey");
          return undefined;
        },
        ...(place === "delay" && {
          delay: {
            of() {
              throw new Error("broken in delay");
            },
          },
        }),
        ...(place === "history" && {
          history: {
            length: 1,
            takes() {
              throw new Error("broken in history");
            },
          },
        }),
      };
    },
  };
}

const INTERNAL = (method: string) => [541, "INTERNAL_ERROR - internal error", method];

/** How declaring, binding, publishing, unbinding go with a type that throws in one place. */
const EXPECTED: Readonly<Record<Place, readonly unknown[]>> = {
  createTable: [INTERNAL("exchange.declare")],
  add: ["ok", INTERNAL("queue.bind")],
  remove: ["ok", "ok", "ok", "ok"],
  route: ["ok", "ok", INTERNAL("basic.publish")],
  lookup: ["ok", "ok", INTERNAL("basic.publish")],
  onlyKey: ["ok", "ok", "ok", "ok"],
  delay: ["ok", "ok", INTERNAL("basic.publish")],
  history: ["ok", "ok", INTERNAL("basic.publish")],
};

Deno.test("A program's own exchange type works like any other, in process and over TCP", async () => {
  await using broker = new Broker({ exchangeTypes: [prefix] });
  const { port } = await broker.listen({ port: 0 });
  await using far = await connect({ hostname: "127.0.0.1", port, recovery: false });
  await using near = await broker.connect();
  const [here, there] = [await near.openChannel(), await far.openChannel()];
  await here.exchangeDeclare("e", "x-prefix");
  await there.exchangeDeclare("e", "x-prefix");
  for (const [queue, routingKey] of [["a", "a"], ["ab", "ab"], ["all", ""]] as const) {
    await there.queueDeclare(queue);
    await there.queueBind({ queue, exchange: "e", routingKey });
  }
  await there.confirmSelect();
  for (const routingKey of ["abc", "ax", "x"]) {
    await there.basicPublish({ exchange: "e", routingKey }, routingKey);
  }
  assertEquals(await drain(here, "a"), ["abc", "ax"]);
  assertEquals(await drain(here, "ab"), ["abc"]);
  assertEquals(await drain(here, "all"), ["abc", "ax", "x"]);
});

Deno.test("An exchange type may not take a name that there is", () => {
  for (const types of [[{ ...prefix, name: "direct" }], [prefix, prefix]]) {
    assertThrows(() => new Broker({ exchangeTypes: types }), TypeError, "the name is taken");
  }
});

Deno.test("Brokers share no exchange types", async () => {
  await using _with = new Broker({ exchangeTypes: [prefix] });
  await using without = new Broker();
  await using connection = await without.connect();
  const channel = await connection.openChannel();
  assertEquals(await outcome(channel.exchangeDeclare("e", "x-prefix")), [
    406,
    "PRECONDITION_FAILED - unknown exchange type 'x-prefix'",
    "exchange.declare",
  ]);
});

for (const [place, expected] of Object.entries(EXPECTED) as [Place, readonly unknown[]][]) {
  Deno.test(`A type that throws in ${place} hurts nobody but who met it, and is logged`, async () => {
    const logger = new RecordingLogger();
    await using broker = new Broker({ exchangeTypes: [broken(place)], logger });
    await using other = await broker.connect();
    const witness = await other.openChannel();
    await witness.queueDeclare("q");
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    const { queue } = await channel.queueDeclare("mine", { exclusive: true });
    await channel.confirmSelect();
    const binding = { queue, exchange: "e", routingKey: "k" };
    const steps = [
      () => channel.exchangeDeclare("e", "x-broken"),
      () => channel.queueBind(binding),
      () => channel.basicPublish({ exchange: "e", routingKey: "k" }, "m"),
      () => channel.queueUnbind(binding),
    ];
    const seen: unknown[] = [];
    for (const step of steps) {
      const how = await attempt(step);
      seen.push(how);
      if (how !== "ok") break;
    }
    await connection.close();
    assertEquals(seen, expected);
    assertMatch(logger.of("error").join("\n"), new RegExp(`broken in ${place}`));
    assertEquals(await queueExists(other, "mine"), false);
    await witness.confirmSelect();
    await witness.basicPublish({ routingKey: "q" }, "still here");
    assertEquals(await drain(witness, "q"), ["still here"]);
  });
}

Deno.test("A type that throws behind the broker's own log exchange keeps nobody from anything", async () => {
  const logger = new RecordingLogger();
  await using broker = new Broker({ exchangeTypes: [broken("route")], logger });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("e", "x-broken");
  const logs = { destination: "e", source: "amq.rabbitmq.log", routingKey: "#" };
  await channel.exchangeBind(logs);
  const { queue } = await channel.queueDeclare("q");
  for (let index = 0; index < 3; index++) await queueExists(connection, "none"); // is logged
  await channel.confirmSelect();
  await channel.basicPublish({ routingKey: queue }, "still here");
  assertEquals((await channel.basicGet(queue))?.text(), "still here");
  const told = logger.of("error").filter((line) => line.includes("broken in route"));
  assertEquals(told.length, 1);
  assertMatch(told[0]!, /cannot publish to exchange 'amq.rabbitmq.log'/);
});

Deno.test("an exchange type sees of queues and messages what they are, and not their inside", async () => {
  const texts: string[] = [];
  const showing: ExchangeType = {
    name: "x-showing",
    createTable: () => ({
      cacheable: false,
      add(binding) {
        for (const value of [binding, binding.destination]) {
          texts.push(JSON.stringify(value), Deno.inspect(value));
        }
      },
      remove() {},
      route: (_routingKey, message) => {
        texts.push(JSON.stringify(message), Deno.inspect(message));
      },
    }),
  };
  await using broker = new Broker({ exchangeTypes: [showing] });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  const { queue } = await channel.queueDeclare("jobs");
  await channel.basicConsume(queue, {}, () => {});
  await channel.basicPublish({ routingKey: queue }, "secret of somebody else");
  await channel.exchangeDeclare("news", "x-showing");
  await channel.queueBind({ queue, exchange: "news", routingKey: "sport" });
  await channel.exchangeDeclare("more", "fanout");
  await channel.exchangeBind({ destination: "more", source: "news", routingKey: "sport" });
  await channel.basicPublish({ exchange: "news", routingKey: "sport" }, "one nil");
  await channel.exchangeDelete("news");
  assertEquals(texts.length, 10);
  for (const text of texts) {
    assertMatch(text, /jobs|more|sport/);
    assertEquals(/\b_\w|secret/.test(text), false, text);
    assertEquals(text.length < 1000, true, text);
  }
});

Deno.test("an exchange type may publish on the connection whose message it routes", async () => {
  let tell: (text: string) => void = () => {};
  const telling: ExchangeType = {
    name: "x-telling",
    createTable(arguments_) {
      // bound with an empty key, it sends everything to all
      const table = prefix.createTable(arguments_);
      const route: typeof table.route = (routingKey, message, into) => {
        tell(routingKey);
        table.route(routingKey, message, into);
      };
      return { ...table, cacheable: false, route };
    },
  };
  await using broker = new Broker({ exchangeTypes: [telling] });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  const told = await channel.queueDeclare("told");
  await channel.exchangeDeclare("news", "x-telling");
  await channel.queueDeclare("waiting");
  await channel.queueBind({ queue: "waiting", exchange: "news" });
  const seen: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  await channel.queueDeclare("taken");
  await channel.queueBind({ queue: "taken", exchange: "news" });
  await channel.basicConsume("taken", { noAck: true }, (delivery) => {
    seen.push(`${delivery.routingKey} ${delivery.properties.type} ${delivery.text()}`);
    if (seen.length === 6) resolve();
  });
  tell = (text) => {
    channel.basicPublish({ routingKey: "told", properties: { type: "told" } }, `about ${text}`);
  };
  const expected: string[] = [];
  for (let number = 0; number < 6; number++) {
    const body = `number ${number}`;
    const routingKey = `key ${number}`;
    const isText = number % 2 === 0;
    channel.basicPublish(
      { exchange: "news", routingKey, properties: { type: `type ${number}` } },
      isText ? body : new TextEncoder().encode(body),
    );
    expected.push(`${routingKey} type ${number} ${body}`);
  }
  await promise;
  assertEquals(seen, expected);
  const waiting: string[] = [];
  const about: string[] = [];
  for (let number = 0; number < 6; number++) {
    const delivery = await channel.basicGet("waiting", { noAck: true });
    waiting.push(`${delivery!.routingKey} ${delivery!.properties.type} ${delivery!.text()}`);
    about.push((await channel.basicGet(told.queue, { noAck: true }))!.text());
  }
  assertEquals(waiting, expected);
  assertEquals(about, Array.from({ length: 6 }, (_, number) => `about key ${number}`));
});
