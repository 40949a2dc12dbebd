/**
 * Delayed messages: adding one and giving it back, beside a timer for each.
 *
 * The timers are set and cleared; that they would go off as well, and what they keep alive, is left
 * out.
 */
import { Content } from "../broker/amqp/content.ts";
import { silentLogger } from "../broker/amqp/logger.ts";
import { Message } from "../broker/message.ts";
import { PagePool } from "../broker/pages.ts";
import { DelayedMessages } from "../broker/vhost/delayed_messages.ts";
import { check } from "./support/check.ts";

/** How many messages are added and given back in one measured run. */
const MESSAGES = 1000;
const BODY = new Uint8Array(100);

for (const waiting of [0, 1_000_000]) {
  const group = `messages waiting besides: ${waiting.toLocaleString("en")}`;
  let now = 0;
  let goOff: (() => void) | undefined;
  const clock = {
    now: () => now,
    elapsed: () => 0,
    after(_delayMs: number, callback: () => void) {
      goOff = callback;
      return () => goOff = undefined;
    },
    every: () => () => {},
  };
  const pages = new PagePool();
  const delayed = new DelayedMessages({ clock, pages, logger: silentLogger });
  let found = 0;
  const onDue = () => ++found > 0;
  const line = delayed.open({ name: "exchange 'later'", onDue });
  const add = (due: number) => {
    const delayedMessage = message();
    line.add(delayedMessage, due);
    delayedMessage.routed(pages);
  };
  let filled = false;
  Deno.bench({
    name: `${MESSAGES} delayed messages`,
    group,
    fn() {
      if (!filled) {
        filled = true;
        for (let index = 0; index < waiting; index++) {
          add(1e12 + Math.random() * 1e6);
        }
      }
      found = 0;
      for (let index = 0; index < MESSAGES; index++) {
        add(now + 1 + Math.random() * 1000);
      }
      now += 2000;
      goOff!();
      check(found, MESSAGES);
    },
  });
  Deno.bench({
    name: `${MESSAGES} timers`,
    group,
    baseline: true,
    fn() {
      const timers = Array.from(
        { length: MESSAGES },
        () => setTimeout(onDue, 1e6 + Math.random() * 1000),
      );
      for (const timer of timers) clearTimeout(timer);
    },
  });
}

function message(): Message {
  const content = new Content();
  content.exchange = "later";
  content.routingKey = "order.created";
  content.properties = {};
  content.body = BODY;
  content.bodyEnd = BODY.length;
  return new Message(content);
}
