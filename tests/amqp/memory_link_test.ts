import { assertEquals, assertStrictEquals } from "@std/assert";
import { Content } from "../../broker/amqp/content.ts";
import type { LinkReceiver } from "../../broker/amqp/link.ts";
import { MemoryLink } from "../../broker/amqp/memory_link.ts";
import { basicPublish, type Method, queueDeclare } from "../../broker/amqp/methods/mod.ts";
import { RecordingReceiver } from "../support/recording_receiver.ts";
import { testLink } from "./link_contract.ts";

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
  one.sendDelivery(1, "c", 1, false, content);
  assertEquals(seen.length, 4);
  [method, publish, content, content].forEach((object, index) => {
    assertStrictEquals(seen[index], object);
  });
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
