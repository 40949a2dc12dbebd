import { ConsumerTag } from "../../broker/amqp/consumer_tag.ts";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { Content } from "../../broker/amqp/content.ts";
import type { LinkReceiver } from "../../broker/amqp/link.ts";
import { MemoryLink } from "../../broker/amqp/memory_link.ts";
import { basicPublish, type Method, queueDeclare } from "../../broker/amqp/methods/mod.ts";
import { RecordingReceiver } from "../support/recording_receiver.ts";
import { testLink } from "./link_contract.ts";

const CONSUMER_TAG = new ConsumerTag("c");

testLink("MemoryLink", () => {
  const links = MemoryLink.pair();
  return {
    links,
    start: ([one, other]) => {
      links[0].attach(one);
      links[1].attach(other);
    },
  };
});

Deno.test("MemoryLink hands over methods and contents at once, as the objects that they are", () => {
  const [one, other] = MemoryLink.pair();
  const seen: unknown[] = [];
  const receiver = new RecordingReceiver();
  const watching: LinkReceiver = {
    receive: (_channel: number, method: Method) => seen.push(method),
    receiveContent: (_channel, method, content) => seen.push(method, content),
    receiveDelivery: (_channel, _consumerTag, _deliveryTag, _redelivered, content) =>
      seen.push(content),
    failed: (error) => receiver.failed(error),
    drained: () => receiver.drained(),
    closed: () => receiver.closed(),
  };
  one.attach(receiver);
  other.attach(watching);
  const [method, publish, content] = [queueDeclare(), basicPublish(), new Content()];
  one.send(1, method);
  one.sendContent(1, publish, content);
  one.sendDelivery(1, CONSUMER_TAG, 1, false, content);
  assertEquals(seen.length, 4);
  [method, publish, content, content].forEach((object, index) => {
    assertStrictEquals(seen[index], object);
  });
});

Deno.test("MemoryLink brings acks of deliveries in a row together while they are collected", () => {
  const [one, other] = MemoryLink.pair();
  const acked: number[][] = [];
  const receiver = new RecordingReceiver();
  one.attach(receiver);
  other.attach(Object.assign(new RecordingReceiver(), {
    receiveAcks: (...numbers: number[]) => acked.push(numbers),
  }));
  one.sendAck(1, 1);
  assertEquals(acked, [[1, 1, 1]], "nothing is waited for otherwise");

  one.collectAcks(true);
  for (const tag of [2, 3, 4, 6]) one.sendAck(1, tag);
  one.sendAck(2, 7);
  assertEquals(acked.slice(1), [[1, 2, 4], [1, 6, 6]]);
  one.sendContent(1, basicPublish(), new Content());
  assertEquals(acked.slice(3), [[2, 7, 7]]);
  one.sendAck(1, 8);
  one.collectAcks(false);
  assertEquals(acked.slice(4), [[1, 8, 8]]);

  one.collectAcks(true);
  one.sendAck(1, 9);
  one.close();
  one.sendAck(1, 10);
  one.collectAcks(false);
  assertEquals(acked.slice(5), [[1, 9, 9]]);
});

Deno.test("MemoryLink is full exactly while its peer wants nothing", () => {
  const [one, other] = MemoryLink.pair();
  const receiver = new RecordingReceiver();
  one.attach(receiver);
  other.attach(new RecordingReceiver());
  other.throttle(true);
  assertEquals([one.full, other.full], [true, false]);
  other.throttle(true);
  other.throttle(false);
  other.throttle(false);
  assertEquals([one.full, receiver.events], [false, ["drained"]]);
});
