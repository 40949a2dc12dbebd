import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { Broker, type Channel, connect, type Connection, type Delivery } from "@warren/amqp";
import { Content } from "../../broker/amqp/content.ts";
import { encodeContentHead } from "../../broker/amqp/content_codec.ts";
import { loopRound } from "../../broker/amqp/turn.ts";
import { Message } from "../../broker/message.ts";
import { PAGE_SIZE, PagePool } from "../../broker/pages.ts";
import { SparsePages } from "../../broker/queue/sparse_pages.ts";
import { standingTime } from "../support/standing_time.ts";

/** So many pages are filled. */
const PAGES = 64;
/** So many may be there in the end: up to 15 with little in them are not worth moving, up to 8 are spare. */
const PAGES_LEFT = PAGES / 2;
/** With so many messages each, about. */
const A_PAGE = 1000;
const ROUNDS_MAX = 20_000;

const { pageFor } = PagePool.prototype;

/** Tells the pool of the broker that is made while it stands. */
class PoolSpy implements Disposable {
  #pool: PagePool | undefined = undefined;

  constructor() {
    const found = (pool: PagePool) => this.#pool = pool;
    PagePool.prototype.pageFor = function (size) {
      found(this);
      return pageFor.call(this, size);
    };
  }

  get pages(): number {
    return this.#pool!.bytes / PAGE_SIZE;
  }

  [Symbol.dispose](): void {
    PagePool.prototype.pageFor = pageFor;
  }
}

function bodyOf(number: number): Uint8Array {
  const body = new Uint8Array(A_PAGE).fill(number % 251);
  new DataView(body.buffer).setUint32(0, number);
  return body;
}

function numberOf({ body, properties }: Delivery): number {
  const number = new DataView(body.buffer, body.byteOffset).getUint32(0);
  assertEquals(body, bodyOf(number));
  assertEquals(properties, propertiesOf(number));
  return number;
}

function propertiesOf(number: number) {
  return number % A_PAGE === 0 ? { messageId: `${number}`, headers: { number } } : {};
}

/** Of each page one message waits in a queue that nobody works off, and another one is worked on. */
async function fill(channel: Channel): Promise<{ idle: number[]; busy: number[] }> {
  await channel.queueDeclare("idle", { arguments: { "x-max-priority": 3 } });
  await channel.queueDeclare("work");
  const [idle, busy]: number[][] = [[], []];
  const all = Promise.withResolvers<void>();
  let left = PAGES * (A_PAGE - 1);
  await channel.basicConsume("work", {}, (delivery) => {
    const number = numberOf(delivery);
    if (number % A_PAGE === A_PAGE / 2) busy!.push(number);
    else delivery.ack();
    if (--left === 0) all.resolve();
  });
  for (let number = 0; number < PAGES * A_PAGE; number++) {
    const routingKey = number % A_PAGE === 0 ? "idle" : "work";
    if (routingKey === "idle") idle!.push(number);
    const properties = propertiesOf(number);
    const room = channel.basicPublish({ routingKey, properties }, bodyOf(number));
    if (number % 100 === 0) await (room ?? loopRound());
  }
  await all.promise;
  return { idle: idle!, busy: busy! };
}

async function waiting(connection: Connection, queue: string): Promise<number[]> {
  const channel = await connection.openChannel();
  const numbers: number[] = [];
  for (;;) {
    const delivery = await channel.basicGet(queue);
    if (delivery === undefined) return numbers;
    numbers.push(numberOf(delivery));
    delivery.ack();
  }
}

for (const how of ["in process", "over TCP"]) {
  Deno.test(`Messages that stay when those beside them are gone keep no memory of those, ${how}`, async () => {
    using spy = new PoolSpy();
    await using broker = new Broker();
    await using server = how === "over TCP" ? await broker.listen({ port: 0 }) : undefined;
    await using connection = server === undefined
      ? await broker.connect()
      : await connect(`amqp://guest:guest@127.0.0.1:${server.port}/`);
    const channel = await connection.openChannel();
    const { idle, busy } = await fill(channel);
    assertEquals([idle.length, busy.length], [PAGES, PAGES]);
    // a slow machine would rest so often that little moves in the rounds that there are
    using _time = standingTime(0.1);
    let rounds = 0;
    while (spy.pages >= PAGES_LEFT && rounds++ < ROUNDS_MAX) await loopRound();
    assertLess(spy.pages, PAGES_LEFT);
    assertGreater(spy.pages, 0);

    assertEquals(await waiting(connection, "idle"), idle);
    await channel.close();
    assertEquals(await waiting(connection, "work"), busy);
  });
}

Deno.test("Messages of which few fill a page stay where they are, be it for their headers", async () => {
  const pages = new PagePool();
  const held: Message[] = [];
  let visits = 0;
  const sparse = new SparsePages(pages, function* (visit) {
    visits++;
    for (const message of held) visit(message);
    yield;
  });
  for (let count = 0; count < PAGES * 16; count++) {
    const content = new Content();
    content.properties = { headers: { large: "x".repeat(62_000) } };
    encodeContentHead(content);
    const message = new Message(content);
    message.hold(pages);
    message.routed(pages);
    held.push(message);
  }
  const heads = held.map(({ head }) => head);
  assertEquals(new Set(heads).size, PAGES);
  for (let rounds = 0; visits === 0 && rounds < ROUNDS_MAX; rounds++) await loopRound();
  for (let rounds = 0; rounds < 20; rounds++) await loopRound();
  sparse.stop();
  assertLess(visits, 10);
  assertEquals(held.every(({ head }, index) => head === heads[index]), true);
});
