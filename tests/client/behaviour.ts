/**
 * What a user of the client can observe, whatever carries the conversation: each case runs in
 * process and over TCP, and none of it is Warren's alone, so it can run against a RabbitMQ too.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Decimal, type FieldTable } from "../../broker/amqp/field_value.ts";
import type { Channel, Connection, Delivery, PublishOptions } from "../../client/mod.ts";

/** Opens one more connection to the same broker. */
export type Connect = () => Promise<Connection>;

/** A case: a rule, and what shows it. */
export interface BehaviourCase {
  readonly name: string;
  readonly run: (connect: Connect) => Promise<void>;
}

/** All cases. */
export const behaviour: readonly BehaviourCase[] = [
  {
    name:
      "leaving a loop gives back what was not looked at, but for what was settled with later ones",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      const { queue: other } = await channel.queueDeclare("", { exclusive: true });
      const declare = () => channel.queueDeclare(queue, { passive: true });
      await channel.confirmSelect();
      const settle: ((delivery: Delivery) => void)[] = [
        (delivery) => delivery.ack({ multiple: true }),
        (delivery) => delivery.nack({ multiple: true, requeue: false }),
        () => channel.basicAck(0, { multiple: true }),
      ];
      for (const settleUpTo of settle) {
        for (const body of ["1", "2", "3"]) channel.basicPublish({ routingKey: queue }, body);
        channel.basicPublish({ routingKey: other }, "4");
        await channel.waitForConfirms();
        await channel.basicQos({ prefetchCount: 2 });
        for await (const delivery of await channel.basicConsume(queue)) {
          assertEquals(delivery.text(), "1");
          // after the second one, which was sent ahead
          settleUpTo((await channel.basicGet(other))!);
          // the third one is sent for that, and is not settled
          while ((await declare()).messageCount > 0);
          break;
        }
        assertEquals((await channel.basicGet(queue, { noAck: true }))?.text(), "3");
        assertEquals(await channel.basicGet(queue), undefined);
      }
    },
  },
  {
    name:
      "what was settled in a transaction that is rolled back can be settled again, or given back",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      await channel.txSelect();
      for (const body of ["1", "2", "3", "4"]) channel.basicPublish({ routingKey: queue }, body);
      await channel.txCommit();
      const [first, second] = [await channel.basicGet(queue), await channel.basicGet(queue)];
      const loop = await channel.basicConsume(queue);
      const third = (await loop.next()).value!;
      while ((await channel.queueDeclare(queue, { passive: true })).messageCount > 0);
      first!.ack();
      second!.nack({ requeue: false });
      third.ack({ multiple: true });
      channel.basicAck(0, { multiple: true });
      const settled = () => [first, second, third].map((delivery) => delivery!.settled);
      assertEquals(settled(), [true, true, true]);
      await channel.txRollback();
      assertEquals(settled(), [false, false, false]);
      third.ack();
      await channel.txCommit();
      assertThrows(() => third.ack(), TypeError, "settled");
      await channel.txRollback(); // of nothing
      assertEquals(settled(), [false, false, true]);
      second!.ack({ multiple: true });
      await loop.return(); // the fourth goes back, with the transaction
      await channel.txCommit();
      assertEquals((await channel.basicGet(queue))?.text(), "4");
      assertEquals(await channel.basicGet(queue), undefined);
    },
  },
  {
    name: "what a loop gives back in a transaction is given back after a rollback too",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      await channel.txSelect();
      for (const body of ["1", "2", "3"]) channel.basicPublish({ routingKey: queue }, body);
      await channel.txCommit();
      for await (const delivery of await channel.basicConsume(queue)) {
        while ((await channel.queueDeclare(queue, { passive: true })).messageCount > 0);
        // the others as well
        channel.basicAck(0, { multiple: true });
        assertEquals(delivery.text(), "1");
        break;
      }
      await channel.txRollback();
      await channel.txRollback();
      await channel.txCommit();
      // the first one is for the program to settle
      for (const body of ["2", "3"]) {
        assertEquals((await channel.basicGet(queue, { noAck: true }))?.text(), body);
      }
      assertEquals(await channel.basicGet(queue), undefined);
    },
  },
  {
    name: "what a loop had not looked at when it was put back comes again, once",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      const declare = () => channel.queueDeclare(queue, { passive: true });
      await channel.confirmSelect();
      for (const body of ["1", "2", "3"]) channel.basicPublish({ routingKey: queue }, body);
      await channel.waitForConfirms();
      const putBack = async () => {
        while ((await declare()).messageCount > 0);
        await declare(); // and by now they are here
        await channel.basicRecover();
      };
      for await (const _ of await channel.basicConsume(queue)) {
        await putBack();
        break;
      }
      const seen: string[] = [];
      for await (const delivery of await channel.basicConsume(queue)) {
        if (seen.push(delivery.text()) === 1) {
          await putBack();
          continue;
        }
        delivery.ack();
        if (seen.length === 4) break;
      }
      assertEquals(seen, ["1", "1", "2", "3"]);
      assertEquals((await declare()).messageCount, 0);
    },
  },
  {
    name: "no name is the queue declared last, also before the broker has answered",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const former = await channel.queueDeclare("", { exclusive: true });
      const exchange = "amq.direct";
      const routingKey = `last-${crypto.randomUUID()}`;
      const [latest] = await Promise.all([
        channel.queueDeclare("", { exclusive: true }),
        channel.queueBind({ queue: "", exchange, routingKey }),
        channel.queueBind({ queue: "", exchange }),
      ]);
      channel.basicPublish({ exchange, routingKey }, "1");
      channel.basicPublish({ exchange, routingKey: latest.queue }, "2");
      const got = await Promise.all([channel.basicGet(""), channel.basicGet("")]);
      assertEquals(got.map((delivery) => delivery?.text()), ["1", "2"]);
      assertEquals(await channel.basicGet(former.queue), undefined);
    },
  },
  {
    name: "bodies are taken out of buffers that are resized in between, or shared",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      const sizes = [64, 64, 64, 32, 100, 180, 0, 250, 24];
      const resizable = new ArrayBuffer(64, { maxByteLength: 256 });
      const follows = new Uint8Array(resizable);
      const expected: Uint8Array[] = [];
      const publish = (body: Uint8Array, octet: number) => {
        body.fill(octet);
        expected.push(new Uint8Array(body));
        channel.basicPublish({ routingKey: queue }, body);
        body.fill(0);
      };
      for (const [index, size] of sizes.entries()) {
        resizable.resize(size);
        publish(follows, index + 1);
      }
      for (const size of sizes) publish(new Uint8Array(new SharedArrayBuffer(size)), 99);
      for (const body of expected) {
        assertEquals((await channel.basicGet(queue, { noAck: true }))?.body, body);
      }
    },
  },
  {
    name: "a message arrives as the wire makes it",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      const headers = {
        text: "grüße",
        lone: "\ud800",
        small: 1,
        negativeZero: -0,
        safe: 2 ** 40,
        half: 0.5,
        large: 2n ** 62n,
        smallBigint: 7n,
        yes: true,
        nothing: null,
        missing: undefined,
        when: new Date(1_700_000_000_999),
        bytes: new Uint8Array([0, 255]),
        money: new Decimal(2, 1999),
        list: [1, "two", [3n]],
        table: { deep: { deeper: "value" } },
      } as unknown as FieldTable;
      channel.basicPublish({
        routingKey: queue,
        properties: {
          contentType: "text/plain",
          contentEncoding: "identity",
          headers,
          deliveryMode: 1,
          priority: 3,
          correlationId: "c",
          replyTo: "r",
          expiration: "60000",
          messageId: "m",
          timestamp: new Date(1_700_000_000_500),
          type: "t",
          appId: "a",
          clusterId: "x",
        },
      }, "body");
      const delivery = await channel.basicGet(queue, { noAck: true });
      assertEquals(delivery?.properties, {
        contentType: "text/plain",
        contentEncoding: "identity",
        headers: {
          text: "grüße",
          lone: "\ufffd",
          small: 1,
          negativeZero: 0,
          safe: 2 ** 40,
          half: 0.5,
          large: 2n ** 62n,
          smallBigint: 7,
          yes: true,
          nothing: null,
          when: new Date(1_700_000_000_000),
          bytes: new Uint8Array([0, 255]),
          money: new Decimal(2, 1999),
          list: [1, "two", [3]],
          table: { deep: { deeper: "value" } },
        },
        deliveryMode: 1,
        priority: 3,
        correlationId: "c",
        replyTo: "r",
        expiration: "60000",
        messageId: "m",
        timestamp: new Date(1_700_000_000_000),
        type: "t",
        appId: "a",
        clusterId: "x",
      });
      assertEquals([delivery?.exchange, delivery?.routingKey], ["", queue]);
      assertEquals([delivery?.text(), delivery?.messageCount], ["body", 0]);
    },
  },
  {
    name: "a message without properties has none",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      channel.basicPublish({ routingKey: queue }, new Uint8Array());
      channel.basicPublish({ routingKey: queue, properties: {} }, "");
      for (let count = 0; count < 2; count++) {
        const delivery = await channel.basicGet(queue, { noAck: true });
        assertEquals([delivery?.properties, delivery?.bodySize], [{}, 0]);
      }
    },
  },
  {
    name: "publisher, broker and consumer do not share what they may change",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      const body = new Uint8Array([1, 2, 3]);
      const headers: Record<string, number[]> = { list: [1] };
      channel.basicPublish({ routingKey: queue, properties: { headers } }, body);
      body.fill(0);
      headers["list"]!.push(2);

      for (const redelivered of [false, true, true]) {
        const delivery = (await channel.basicGet(queue))!;
        assertEquals(delivery.redelivered, redelivered);
        assertEquals([...delivery.body], [1, 2, 3]);
        assertEquals(delivery.properties, { headers: { list: [1] } });
        delivery.body.fill(9);
        (delivery.properties.headers as typeof headers)["list"]!.push(9);
        delivery.nack();
      }
    },
  },
  {
    name: "a body may be of any size",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      for (const size of [0, 1, 4096, 4097, 131_064, 131_065, 1_048_576]) {
        const body = new Uint8Array(size).map((_, index) => index * 31);
        for (const transfer of [false, true]) {
          await channel.basicPublish({ routingKey: queue, transfer }, body.slice());
          const delivery = await channel.basicGet(queue, { noAck: true });
          assertEquals(delivery?.body, body);
        }
      }
    },
  },
  {
    name: "a callback gets every message once and in order",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      const seen: number[] = [];
      const all = Promise.withResolvers<void>();
      await channel.basicConsume(queue, {}, (delivery) => {
        seen.push(Number(delivery.text()));
        delivery.ack();
        if (seen.length === 10_000) all.resolve();
      });
      for (let count = 0; count < 10_000; count++) {
        await channel.basicPublish({ routingKey: queue }, `${count}`);
      }
      await all.promise;
      assertEquals(seen, Array.from({ length: 10_000 }, (_, index) => index));
    },
  },
  {
    name: "a loop gets every message once and in order, however many are sent ahead",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      for (let count = 0; count < 20_000; count++) {
        await channel.basicPublish({ routingKey: queue }, `${count}`);
      }
      let expected = 0;
      const consumer = await channel.basicConsume(queue, { noAck: true });
      for await (const delivery of consumer) {
        assertEquals(Number(delivery.text()), expected++);
        if (expected === 20_000) await consumer.cancel();
      }
      assertEquals(expected, 20_000);
    },
  },
  {
    name: "leaving a loop puts what was not looked at back in its place",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      for (const text of ["a", "b", "c", "d"]) channel.basicPublish({ routingKey: queue }, text);
      for await (const delivery of await channel.basicConsume(queue)) {
        assertEquals(delivery.text(), "a");
        delivery.ack();
        break;
      }
      const left: (string | undefined)[] = [];
      for (let count = 0; count < 4; count++) {
        left.push((await channel.basicGet(queue, { noAck: true }))?.text());
      }
      assertEquals(left, ["b", "c", "d", undefined]);
    },
  },
  {
    name: "a prefetch of 1 gives one message at a time",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      for (let count = 0; count < 5; count++) channel.basicPublish({ routingKey: queue }, "x");
      await channel.basicQos({ prefetchCount: 1 });
      let seen = 0;
      for await (const delivery of await channel.basicConsume(queue)) {
        const { messageCount } = await channel.queueDeclare(queue, { passive: true });
        assertEquals(messageCount, 4 - seen++);
        delivery.ack();
        if (seen === 5) break;
      }
    },
  },
  {
    name: "what is unacked comes back when its channel closes",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      channel.basicPublish({ routingKey: queue }, "x");
      const other = await connection.openChannel();
      const first = await other.basicGet(queue);
      assertEquals(first?.redelivered, false);
      await other.close();
      assertThrows(() => first?.ack(), TypeError, "channel is closed");
      const second = await channel.basicGet(queue);
      assertEquals(second?.redelivered, true);
      second?.ack();
    },
  },
  {
    name: "reject without requeue discards, recover requeues",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      for (const text of ["a", "b"]) channel.basicPublish({ routingKey: queue }, text);
      (await channel.basicGet(queue))?.reject({ requeue: false });
      await channel.basicGet(queue);
      assertEquals(await channel.basicGet(queue), undefined);
      await channel.basicRecover();
      const again = await channel.basicGet(queue);
      assertEquals([again?.text(), again?.redelivered], ["b", true]);
    },
  },
  {
    name: "deleting a queue tells its consumers, after what came before",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      const told = Promise.withResolvers<void>();
      const looped = await channel.basicConsume(queue);
      const called = await channel.basicConsume(queue, { onCancel: told.resolve }, () => {});
      const next = looped.next();
      await channel.queueDelete(queue);
      assertEquals((await next).done, true);
      await told.promise;
      assertEquals([looped.state, called.state], ["cancelledByBroker", "cancelledByBroker"]);
    },
  },
  {
    name: "an unroutable mandatory message comes back before its confirm",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      await channel.confirmSelect();
      const events: string[] = [];
      channel.onReturn = (message) => {
        const { replyCode, replyText, exchange, routingKey, properties } = message;
        assertEquals([replyCode, replyText, exchange], [312, "NO_ROUTE", ""]);
        assertEquals([routingKey, message.text()], ["nowhere-at-all", "x"]);
        assertEquals(properties, { headers: { a: 1 } });
        events.push("returned");
      };
      const properties = { headers: { a: 1 } };
      const options = { routingKey: "nowhere-at-all", mandatory: true, properties };
      await channel.basicPublish(options, "x")!.then(() => events.push("confirmed"));
      assertEquals(events, ["returned", "confirmed"]);
    },
  },
  {
    name: "every message is confirmed",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      await channel.confirmSelect();
      const confirmed: Promise<void>[] = [];
      for (let count = 0; count < 1000; count++) {
        confirmed.push(channel.basicPublish({ routingKey: queue }, "x")!);
      }
      await Promise.all(confirmed);
      for (let count = 0; count < 1000; count++) channel.basicPublish({ routingKey: queue }, "x");
      await channel.waitForConfirms();
      const { messageCount } = await channel.queueDeclare(queue, { passive: true });
      assertEquals(messageCount, 2000);
    },
  },
  {
    name: "a publish to a missing exchange closes its channel alone",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      await using other = await connection.openChannel();
      channel.basicPublish({ exchange: "not-there" }, "x");
      const reason = await channel.closed;
      assertInstanceOf(reason, AmqpError);
      assertEquals(reason.message, "NOT_FOUND - no exchange 'not-there' in vhost '/'");
      assertEquals([reason.replyCode, reason.classId, reason.methodId], [404, 60, 40]);
      assertThrows(() => channel.basicPublish({}, "x"), AmqpError, "not-there");
      await assertRejects(() => channel.queueDeclare(), AmqpError, "not-there");
      await other.queueDeclare("", { exclusive: true });
    },
  },
  {
    name: "a refused call rejects with code, class and method, and so does what waits behind it",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const looking = channel.queueDeclare("not-there", { passive: true });
      const behind = channel.queueDeclare("", { exclusive: true });
      for (const call of [looking, behind]) {
        const error = await assertRejects(() => call, AmqpError, "no queue 'not-there'");
        assertEquals([error.replyCode, error.classId, error.methodId], [404, 50, 10]);
        assertEquals(error.hard, false);
      }
    },
  },
  {
    name: "a hard error closes the connection and all of its channels",
    async run(connect) {
      await using connection = await connect();
      const channel = await connection.openChannel();
      const other = await connection.openChannel();
      const { queue } = await other.queueDeclare("", { exclusive: true });
      const next = (await other.basicConsume(queue)).next();
      // the channel whose fault it is may be told in a later round of the loop than the other one
      const refused = assertRejects(() => next, AmqpError, "active=false");
      await assertRejects(() => channel.channelFlow({ active: false }), AmqpError, "active=false");
      await refused;
      const reason = await connection.closed;
      assertInstanceOf(reason, AmqpError);
      assertEquals([reason.replyCode, reason.hard], [540, true]);
      assertEquals(await other.closed, reason);
      await assertRejects(() => connection.openChannel(), AmqpError, "active=false");
    },
  },
  {
    name: "an exclusive queue is its connection's own, and goes with it",
    async run(connect) {
      await using connection = await connect();
      const other = await connect();
      const owner = await other.openChannel();
      const { queue } = await owner.queueDeclare("", { exclusive: true });
      const visitor = await connection.openChannel();
      const error = await assertRejects(() => visitor.basicGet(queue), AmqpError, queue);
      assertEquals(error.replyCode, 405);
      await other.close();
      await using channel = await connection.openChannel();
      const gone = channel.queueDeclare(queue, { passive: true });
      assertEquals((await assertRejects(() => gone, AmqpError)).replyCode, 404);
    },
  },
  {
    name: "a callback may call and wait",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      const { queue: replies } = await channel.queueDeclare("", { exclusive: true });
      const done = Promise.withResolvers<void>();
      await channel.basicConsume(queue, {}, async (delivery) => {
        const { messageCount } = await channel.queueDeclare(queue, { passive: true });
        await channel.basicPublish({ routingKey: replies }, `${delivery.text()}:${messageCount}`);
        delivery.ack();
        done.resolve();
      });
      channel.basicPublish({ routingKey: queue }, "a");
      await done.promise;
      assertEquals((await channel.basicGet(replies))?.text(), "a:0");
    },
  },
  {
    name: "a loop that waits for another consumer of its connection does not wait for ever",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      const { queue: replies } = await channel.queueDeclare("", { exclusive: true });
      const body = "x".repeat(1000);
      for (let count = 0; count < 12_000; count++) {
        await channel.basicPublish({ routingKey: queue }, body);
      }
      const replied = Promise.withResolvers<Delivery>();
      await channel.basicConsume(replies, { noAck: true }, replied.resolve);
      for await (const _ of await channel.basicConsume(queue, { noAck: true })) {
        // by now far more is on its way to this loop than the client wants to hold
        channel.basicPublish({ routingKey: replies }, "reply");
        await replied.promise;
        break;
      }
      assertEquals((await replied.promise).text(), "reply");
    },
  },
  {
    name: "a direct reply finds its way",
    async run(connect) {
      await using client = await connect();
      await using server = await connect();
      await using serving = await server.openChannel();
      const { queue } = await serving.queueDeclare("", { exclusive: true });
      await serving.basicConsume(queue, { noAck: true }, async (request) => {
        const { replyTo, correlationId } = request.properties;
        assert(replyTo !== undefined && correlationId !== undefined);
        await serving.basicPublish(
          { routingKey: replyTo, properties: { correlationId } },
          request.text().toUpperCase(),
        );
      });
      await using asking = await client.openChannel();
      const answered = Promise.withResolvers<Delivery>();
      await asking.basicConsume("amq.rabbitmq.reply-to", { noAck: true }, answered.resolve);
      asking.basicPublish({
        routingKey: queue,
        properties: { replyTo: "amq.rabbitmq.reply-to", correlationId: "1" },
      }, "hello");
      const answer = await answered.promise;
      assertEquals([answer.text(), answer.properties.correlationId], ["HELLO", "1"]);
    },
  },
  {
    name: "a transaction holds back publishes until it is committed",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      await using watching = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      await channel.txSelect();
      channel.basicPublish({ routingKey: queue }, "dropped");
      await channel.txRollback();
      channel.basicPublish({ routingKey: queue }, "kept");
      assertEquals((await watching.queueDeclare(queue, { passive: true })).messageCount, 0);
      await channel.txCommit();
      assertEquals((await watching.basicGet(queue, { noAck: true }))?.text(), "kept");
      assertEquals(await watching.basicGet(queue), undefined);
    },
  },
  {
    name: "exchanges and queues are declared, bound, unbound, purged and deleted",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      const [source, destination] = [`${queue}-source`, `${queue}-destination`]
        .map((name) => name.replace("amq.", ""));
      assert(source !== undefined && destination !== undefined);
      await channel.exchangeDeclare(source, "topic", { autoDelete: false });
      await channel.exchangeDeclare(destination, "fanout", { internal: true });
      await channel.exchangeBind({ source, destination, routingKey: "*.b" });
      await channel.queueBind({ queue, exchange: destination });
      for (const routingKey of ["a.b", "a.c"]) {
        channel.basicPublish({ exchange: source, routingKey }, routingKey);
      }
      assertEquals((await channel.basicGet(queue, { noAck: true }))?.routingKey, "a.b");
      assertEquals(await channel.basicGet(queue), undefined);

      await channel.exchangeUnbind({ source, destination, routingKey: "*.b" });
      channel.basicPublish({ exchange: source, routingKey: "a.b" }, "x");
      assertEquals(await channel.basicGet(queue), undefined);

      await channel.queueBind({ queue, exchange: "amq.headers", arguments: { n: 1 } });
      await channel.basicPublish(
        { exchange: "amq.headers", properties: { headers: { n: 1 } } },
        "x",
      );
      assertEquals(await channel.queuePurge(queue), { messageCount: 1 });
      await channel.queueUnbind({ queue, exchange: "amq.headers", arguments: { n: 1 } });
      await channel.basicPublish({ routingKey: queue }, "x");
      assertEquals(await channel.queueDelete(queue), { messageCount: 1 });
      await channel.exchangeDelete(source, { ifUnused: true });
      await channel.exchangeDelete(destination);
    },
  },
  {
    name: "what cannot be encoded is refused before anything is sent",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const cycle: Record<string, unknown> = {};
      cycle["self"] = cycle;
      for (
        const properties of [
          { headers: { f: () => {} } },
          { headers: { s: Symbol("s") } },
          { headers: { big: 2n ** 63n } },
          { headers: { when: new Date(NaN) } },
          { headers: { map: new Map() } },
          { headers: { ["k".repeat(256)]: 1 } },
          { headers: cycle },
          { headers: [] },
          { type: "t".repeat(256) },
          { priority: 256 },
          { deliveryMode: "2" },
          { timestamp: 0 },
          { colour: "red" },
        ]
      ) {
        const options = { properties } as unknown as PublishOptions;
        assertThrows(() => channel.basicPublish(options, "x"), TypeError);
        await assertRejects(
          () => channel.queueDeclare("", { arguments: { nested: cycle } as unknown as FieldTable }),
          TypeError,
        );
      }
      await channel.queueDeclare("", { exclusive: true });
    },
  },
  {
    name: "a failed callback puts its message back and tells why",
    async run(connect) {
      await using connection = await connect();
      await using channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      const failing = await connection.openChannel();
      await failing.basicConsume(queue, {}, () => Promise.reject(new Error("cannot handle it")));
      channel.basicPublish({ routingKey: queue }, "x");
      assertEquals((await failing.closed)?.message, "cannot handle it");
      const delivery = await channel.basicGet(queue);
      assertEquals([delivery?.text(), delivery?.redelivered], ["x", true]);
    },
  },
  {
    name: "many channels open and close, and their numbers come again",
    async run(connect) {
      await using connection = await connect();
      for (let round = 0; round < 3; round++) {
        const opening: Promise<Channel>[] = [];
        for (let count = 0; count < 100; count++) opening.push(connection.openChannel());
        const channels = await Promise.all(opening);
        assertEquals(new Set(channels.map(({ number }) => number)).size, 100);
        assert(channels.every(({ number }) => number <= 100));
        await Promise.all(channels.map((channel) => channel.close()));
      }
    },
  },
  {
    name: "a secret can be renewed",
    async run(connect) {
      await using connection = await connect();
      await connection.updateSecret("guest", "why not");
      await connection.openChannel();
    },
  },
];
