import { assert, assertEquals, assertMatch } from "@std/assert";
import { Content } from "../../broker/amqp/content.ts";
import { contentProperties } from "../../broker/amqp/content_codec.ts";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import type { BasicProperties } from "../../broker/amqp/properties.ts";
import { BrokerEvents } from "../../broker/events.ts";
import { Message } from "../../broker/message.ts";
import { PagePool } from "../../broker/pages.ts";
import type { ExchangeType } from "../../broker/routing/exchange_type.ts";
import { ExchangeTypes } from "../../broker/routing/exchange_types.ts";
import { FanoutTable } from "../../broker/routing/fanout.ts";
import type { DelayLine } from "../../broker/vhost/delay_line.ts";
import { DelayedMessages } from "../../broker/vhost/delayed_messages.ts";
import { decodeDefinition, encodeDefinition } from "../../broker/vhost/topology.ts";
import type { VirtualHost } from "../../broker/vhost/vhost.ts";
import { VirtualHosts } from "../../broker/virtual_hosts.ts";
import { bodyOf } from "../queue/support.ts";
import { StoreHarness } from "../store/harness.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

const LATER = { "x-delayed-type": "direct" };

interface SetUp {
  readonly partSize?: number;
  readonly seed?: number;
  readonly budget?: number;
  readonly types?: readonly ExchangeType[];
}

/** A vhost on a simulated disk, that crashes and starts again. Turns end and syncs finish only when a
 * test says so. */
class CrashingVirtualHost {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly harness: StoreHarness;
  readonly owner = {};
  pages!: PagePool;
  vhost!: VirtualHost;
  #delayed!: DelayedMessages;
  readonly #setUp: SetUp;

  constructor(setUp: SetUp = {}) {
    this.#setUp = setUp;
    this.harness = new StoreHarness(setUp);
    this.clock.advance(1_000_000);
    this.#open(setUp.types);
  }

  #open(types: readonly ExchangeType[] = []): void {
    const { clock, logger } = this;
    const exchangeTypes = new ExchangeTypes(logger);
    for (const type of types) exchangeTypes.register(type);
    this.pages = new PagePool(this.#setUp.budget);
    this.#delayed = new DelayedMessages({ clock, pages: this.pages, logger });
    const vhosts = new VirtualHosts({
      pages: this.pages,
      exchangeTypes,
      logger,
      clock,
      events: new BrokerEvents(clock, () => {}),
      delayed: this.#delayed,
      store: this.harness.store,
    });
    vhosts.start(["/"], () => {});
    this.vhost = vhosts.get("/");
  }

  /** Ends the process, lets time pass, and starts it again. */
  crash(way: "kill" | "power" = "power", downMs = 0, types = this.#setUp.types): void {
    this.#delayed.close();
    this.vhost.stop();
    this.harness.reopen(way);
    this.clock.advance(downMs);
    this.#open(types);
  }

  /** Ends the turn, and writes what came in it. */
  write(): void {
    this.harness.store.whenSynced(() => {});
    this.harness.endTurn();
  }

  /** From now on the store takes nothing. */
  breakDisk(): void {
    this.harness.files.faults = { failureRate: 1 };
    this.harness.store.define(JSON.stringify(["any"]), encodeDefinition({}));
    this.write();
    assertEquals(this.harness.store.state, "failed");
  }

  addExchange(name: string, type = "x-delayed-message", arguments_: FieldTable = LATER): void {
    this.vhost.declareExchange(name, {
      type,
      passive: false,
      durable: true,
      autoDelete: false,
      internal: false,
      arguments: arguments_,
    });
  }

  addQueue(name: string, exchange = "later", routingKey = name): void {
    this.vhost.declareQueue(name, {
      passive: false,
      durable: true,
      exclusive: false,
      autoDelete: false,
      arguments: {},
    }, this.owner);
    this.vhost.bindQueue(
      { source: exchange, destination: name, routingKey, arguments: {} },
      this.owner,
    );
  }

  send(body: string, delayMs: number, properties: BasicProperties = {}, exchange = "later") {
    const message = messageOf(exchange, "q", body, {
      deliveryMode: 2,
      ...properties,
      headers: { "x-delay": delayMs, ...properties.headers },
    });
    const { stored, refused } = this.vhost.publish(message);
    return { stored, refused };
  }

  line(exchange = "later"): DelayLine {
    return this.vhost.publishing.kept.delaysOf(this.vhost.exchange(exchange))!;
  }

  /** What waits in a queue; it is taken. */
  drain(name = "q"): string[] {
    return this.take(name).map(([body]) => body);
  }

  take(name: string): [body: string, properties: BasicProperties][] {
    const queue = this.vhost.queue(name, this.owner);
    const found: [string, BasicProperties][] = [];
    for (let entry = queue.take(); entry !== undefined; entry = queue.take()) {
      found.push([bodyOf(entry.message), contentProperties(entry.message)]);
      queue.settle(entry);
    }
    return found;
  }

  count(name = "q"): number {
    return this.vhost.queue(name, this.owner).messageCount;
  }
}

function messageOf(
  exchange: string,
  routingKey: string,
  body: string,
  properties: BasicProperties,
): Message {
  const content = new Content();
  content.exchange = exchange;
  content.routingKey = routingKey;
  content.properties = properties;
  content.body = new TextEncoder().encode(body);
  content.bodyEnd = content.body.length;
  const message = new Message(content);
  if (properties.expiration !== undefined) message.expirationMs = Number(properties.expiration);
  return message;
}

function setUp(options: SetUp = {}): CrashingVirtualHost {
  const host = new CrashingVirtualHost(options);
  host.addExchange("later");
  host.addQueue("q");
  host.harness.settle();
  return host;
}

Deno.test("Persistent messages that a durable exchange delays survive a crash, with their time", () => {
  const host = setUp();
  assertEquals(host.send("b", 2000), { stored: true, refused: false });
  assertEquals(host.send("transient", 1000, { deliveryMode: 1 }), {
    stored: false,
    refused: false,
  });
  host.clock.advance(500);
  host.send("a", 1000);
  const before = host.line().list(0, 10).filter(({ id }) => id !== 2);
  host.harness.settle();

  host.crash();

  assertEquals(host.line().list(0, 10), before);
  assertEquals([host.pages.bytes, host.clock.timers > 0], [0, true]);
  host.clock.advance(999);
  assertEquals(host.drain(), []);
  host.clock.advance(1);
  assertEquals(host.take("q"), [["a", { deliveryMode: 2, headers: { "x-delay": -1000 } }]]);
  host.clock.advance(500);
  assertEquals(host.drain(), ["b"]);
  host.harness.settle();
  assertEquals([host.line().length, host.harness.store.stats.messages], [0, 0]);
});

Deno.test("What was due while the broker was down goes on at once, in order of its time", () => {
  const host = setUp();
  host.addExchange("other");
  host.addQueue("q", "other");
  for (const [index, delayMs] of [5000, 1000, 4000, 2000, 3000, 90_000].entries()) {
    host.send(`${delayMs}`, delayMs, {}, index % 2 === 0 ? "later" : "other");
  }
  host.harness.settle();
  host.crash("power", 60_000);
  host.clock.advance(0);
  assertEquals(host.drain(), ["1000", "2000", "3000", "4000", "5000"]);
  assertEquals(host.line("other").length, 1);
});

Deno.test("A delayed message that was not synced is gone after a crash, like any other", () => {
  const host = setUp();
  host.send("lost", 1000);
  host.crash();
  assertEquals(host.line().length, 0);
  host.send("written", 1000);
  host.write();
  host.crash("kill");
  assertEquals(host.line().length, 1);
});

Deno.test("A crash after a delayed message went on, and before that was on disk, loses nothing", () => {
  const host = setUp();
  host.send("m", 1000);
  host.harness.settle();
  host.clock.advance(1000);
  assertEquals([host.line().length, host.count()], [0, 1]);

  host.crash(); // nothing of it was written

  assertEquals([host.line().length, host.count()], [1, 0]);
  host.clock.advance(0);
  host.harness.settle();
  host.crash();
  assertEquals([host.line().length, host.drain()], [0, ["m"]]);
});

Deno.test("A write that is torn when a delayed message goes on leaves it in one place, or in both", () => {
  const seen = { delayed: 0, queued: 0, both: 0 };
  for (let seed = 1; seed <= 150; seed++) {
    const host = setUp({ seed });
    // what follows ends in other sectors
    for (let count = 0; count < 8; count++) host.send(`${count}`.padEnd(seed * 5, "."), 1000);
    host.harness.settle();
    host.clock.advance(1000);
    host.write();
    host.crash();
    const delayed = host.line().list(0, 10).length;
    const queued = host.drain().length;
    assert(delayed + queued >= 8, `seed ${seed}: ${delayed} and ${queued}`);
    if (delayed + queued > 8) seen.both++;
    else if (queued > 0) seen.queued++;
    else seen.delayed++;
  }
  assert(seen.both > 0 && seen.delayed > 0 && seen.queued > 0, JSON.stringify(seen));
});

Deno.test("What was cancelled comes back only if the crash came before the sync", async () => {
  const host = setUp();
  for (const body of ["a", "b", "c"]) host.send(body, 1000);
  host.harness.settle();
  assertEquals(await host.line().cancel(new Set([2, 99])), 1);
  host.crash();
  assertEquals(host.line().list(0, 10).map(({ id }) => id), [1, 2, 3]);
  assertEquals(await host.line().cancel(new Set([2])), 1);
  host.harness.settle();
  host.crash();
  assertEquals(host.line().list(0, 10).map(({ id }) => id), [1, 3]);
  assertEquals(host.line().clear(), 2);
  assertEquals(host.send("d", 1000).stored, true);
  host.harness.settle();
  host.crash("power", 5000);
  host.clock.advance(0);
  assertEquals(host.drain(), ["d"]);
});

Deno.test("The id of a message that was on disk is not given again after a restart", () => {
  const host = setUp();
  for (const body of ["a", "b"]) host.send(body, 1000);
  host.harness.settle();
  host.line().clear();
  host.harness.settle();
  host.crash();
  host.send("c", 1000);
  assertEquals(host.line().list(0, 10).map(({ id }) => id), [3]);
});

Deno.test("Deleting an exchange forgets what the store has of its delays", () => {
  const host = setUp();
  for (const body of ["a", "b"]) host.send(body, 1000);
  host.harness.settle();
  host.vhost.deleteExchange("later", { ifUnused: false });
  host.harness.settle();
  assertEquals(host.harness.store.stats.messages, 0);
  host.addExchange("later");
  host.harness.settle();
  host.crash();
  assertEquals(host.line().length, 0);
  host.clock.advance(5000);
  assertEquals(host.drain(), []);
});

Deno.test("A store that takes nothing has delayed messages refused, and due ones wait", () => {
  const host = setUp();
  host.send("a", 1000);
  host.send("b", 1500);
  host.harness.settle();
  host.breakDisk();
  assertEquals(host.send("c", 100), { stored: false, refused: true });
  assertEquals(host.send("d", 100, { deliveryMode: 1 }), { stored: false, refused: false });
  host.clock.advance(10_000);
  assertEquals([host.line().length, host.count()], [2, 1]);

  host.harness.files.faults = {};
  host.harness.settle();
  assertEquals(host.harness.store.state, "open");
  host.clock.advance(10_000);
  assertEquals(host.drain(), ["d", "a", "b"]);
  host.harness.settle();
  host.crash();
  assertEquals([host.line().length, host.count()], [0, 0]);
});

Deno.test("Nobody gets a message that an exchange on its way could not hold back", () => {
  const host = setUp();
  host.vhost.bindExchange({
    source: "amq.fanout",
    destination: "later",
    routingKey: "",
    arguments: {},
  });
  host.vhost.declareQueue("memory", {
    passive: false,
    durable: false,
    exclusive: false,
    autoDelete: false,
    arguments: {},
  }, host.owner);
  host.vhost.bindQueue(
    { source: "amq.fanout", destination: "memory", routingKey: "", arguments: {} },
    host.owner,
  );
  host.harness.settle();
  host.breakDisk();
  assertEquals(host.send("m", 100, {}, "amq.fanout"), { stored: false, refused: true });
  assertEquals([host.count("memory"), host.line().length], [0, 0]);
});

Deno.test("A message for a queue and for an exchange that delays it is stored once for each", () => {
  const host = setUp();
  host.addQueue("at once", "amq.fanout");
  host.vhost.bindExchange({
    source: "amq.fanout",
    destination: "later",
    routingKey: "",
    arguments: {},
  });
  assertEquals(host.send("m", 1000, {}, "amq.fanout").stored, true);
  assertEquals(host.harness.store.stats.messages, 2);
  host.harness.settle();
  host.crash("power", 1000);
  host.clock.advance(0);
  assertEquals([host.drain("at once"), host.drain("q")], [["m"], ["m"]]);
  host.harness.settle();
  assertEquals(host.harness.store.stats.messages, 0);
});

Deno.test("CC, BCC and expiration of a delayed message survive with it", () => {
  const host = setUp();
  host.addQueue("cc");
  host.addQueue("bcc");
  host.send("m", 1000, { expiration: "50", headers: { CC: ["cc"], BCC: ["bcc"] } });
  host.harness.settle();
  host.crash();
  host.clock.advance(1000);
  const headers = { CC: ["cc"], "x-delay": -1000 };
  const seen = [["m", { deliveryMode: 2, expiration: "50", headers }]];
  assertEquals([host.take("cc"), host.take("bcc")], [seen, seen]);
  host.clock.advance(50);
  assertEquals(host.count("q"), 0);
});

Deno.test("A large body waits on disk in its parts", () => {
  const host = setUp({ partSize: 1000 });
  const body = "abcdefg".repeat(1000);
  host.send(body, 1000);
  host.harness.settle();
  host.crash();
  assertEquals(host.line().list(0, 1)[0]?.size, body.length);
  host.clock.advance(1000);
  host.harness.settle();
  host.crash();
  assertEquals(host.drain(), [body]);
});

Deno.test("When memory is short transient messages wait on disk, and are gone after a restart", () => {
  const host = setUp({ budget: 0 });
  host.addExchange("volatile");
  host.addQueue("q", "volatile");
  host.send("holds a page", 100, { deliveryMode: 1 });
  const { bytes } = host.pages;
  for (const exchange of ["later", "volatile"]) {
    assertEquals(host.send("m", 100, { deliveryMode: 1 }, exchange).stored, false);
    assertEquals(host.send("n", 9000, { deliveryMode: 1 }, exchange).stored, false);
  }
  assertEquals([host.pages.bytes, host.harness.store.stats.messages], [bytes, 4]);
  host.clock.advance(100);
  assertEquals(host.drain(), ["holds a page", "m", "m"]);
  host.harness.settle();
  host.crash();
  assertEquals([host.line().length, host.harness.store.stats.messages], [0, 0]);
});

Deno.test("An exchange that was written down without a place for its delays is given one", () => {
  const host = setUp();
  const key = JSON.stringify(["exchange", "/", "later"]);
  const { id: _, ...fields } = decodeDefinition(host.harness.store.definitions.get(key)!);
  host.harness.store.define(key, encodeDefinition(fields));
  host.harness.settle();
  host.crash();
  assertEquals(host.send("m", 1000).stored, true);
  host.harness.settle();
  host.crash();
  host.clock.advance(1000);
  assertEquals(host.drain(), ["m"]);
});

Deno.test("A stored message waits while its exchange cannot route, and longer each time", () => {
  let calls = 0;
  const all: ExchangeType = {
    name: "x-all",
    createTable() {
      return Object.assign(new FanoutTable(), { lookup: undefined });
    },
  };
  const broken: ExchangeType = {
    name: "x-all",
    createTable() {
      return {
        cacheable: false,
        add() {},
        remove() {},
        route() {
          calls++;
          throw new Error("type is broken");
        },
      };
    },
  };
  const host = new CrashingVirtualHost({ types: [all] });
  host.addExchange("later", "x-delayed-message", { "x-delayed-type": "x-all" });
  host.addQueue("q");
  host.send("m", 1000);
  host.send("transient", 500_000, { deliveryMode: 1 });
  host.harness.settle();
  host.crash("power", 0, [broken]);
  host.clock.advance(1000 + 15_000);
  assertEquals([calls, host.line().length], [5, 1]);
  assertMatch(
    host.logger.of("error")[0]!,
    /delayed message of exchange 'later': Error: type is br/,
  );
  host.crash("power", 0, []); // its type is not even known
  host.clock.advance(1_000_000);
  assertEquals(host.line().length, 1);
  host.crash("power", 0, [all]);
  host.clock.advance(0);
  assertEquals(host.drain(), ["m"]);
});

Deno.test("A transaction knows what its delayed messages came to", () => {
  const host = setUp();
  const message = (deliveryMode: number) =>
    messageOf("later", "q", "m", { deliveryMode, headers: { "x-delay": 1000 } });
  const held = [1, 2].map((mode) => host.vhost.publishing.holdRouted(message(mode)));
  assertEquals(held.map(({ stored, refused }) => [stored, refused]), [[false, false], [
    true,
    false,
  ]]);
  for (const { message } of held) host.vhost.publishing.discard(message);
  host.clock.advance(1000);
  assertEquals(host.drain(), ["m", "m"]);
  assertEquals(host.pages.pageFor(0).messages, 0);
});

Deno.test("A dead message is in the store of the exchange that delays it before it leaves its queue", () => {
  const host = setUp();
  host.vhost.declareQueue("dying", {
    passive: false,
    durable: true,
    exclusive: false,
    autoDelete: false,
    arguments: {
      "x-message-ttl": 10,
      "x-dead-letter-exchange": "later",
      "x-dead-letter-routing-key": "q",
    },
  }, host.owner);
  host.vhost.publish(
    messageOf("", "dying", "m", { deliveryMode: 2, headers: { "x-delay": 1000 } }),
  );
  host.harness.settle();
  host.clock.advance(10);
  assertEquals([host.count("dying"), host.line().length], [0, 1]);
  host.harness.settle();
  host.crash();
  assertEquals([host.count("dying"), host.line().length], [0, 1]);
  host.clock.advance(1000);
  assertEquals(host.drain(), ["m"]);
});
