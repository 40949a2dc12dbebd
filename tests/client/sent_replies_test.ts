import { assertEquals } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Reply, SentReplies } from "../../client/messaging/sent_replies.ts";

const replyOf = (body: Uint8Array | string) => new Reply(body, {}, "caller");
const tooLarge = (size: number) =>
  new AmqpError(406, `message size ${size} is larger than configured max size 10`);
const texts = (replies: readonly Reply[]) =>
  replies.map(({ body }) => typeof body === "string" ? body : new TextDecoder().decode(body));
const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("SentReplies tells the refused one by its size in bytes, and those behind it", () => {
  const sent = new SentReplies();
  for (const body of ["a", bytes("two"), "grüße", bytes("1234567"), "b", bytes("c")]) {
    sent.add(replyOf(body));
  }
  const { refused, unseen } = sent.refused(tooLarge(7));
  assertEquals(texts(refused), ["grüße"]);
  assertEquals(texts(unseen), ["1234567", "b", "c"]);
  assertEquals(sent.length, 0);
});

Deno.test("SentReplies blames all when the words quote no size, or one that none has", () => {
  for (const reason of [new AmqpError(406, "user_id property set to 'x'"), tooLarge(99)]) {
    const sent = new SentReplies();
    sent.add(replyOf("a"));
    sent.add(replyOf(bytes("b")));
    const { refused, unseen } = sent.refused(reason);
    assertEquals([texts(refused), texts(unseen)], [["a", "b"], []]);
  }
});

Deno.test("SentReplies keeps bytes that their owner writes to again", () => {
  const sent = new SentReplies();
  const kept: string[] = [];
  for (let n = 0; n < 3000; n++) {
    const body = bytes(`${n} ${"x".repeat(n % 200)}`);
    kept.push(new TextDecoder().decode(body));
    sent.add(replyOf(body));
    body.fill(0);
  }
  const large = bytes("y".repeat(50_000));
  sent.add(replyOf(large));
  large.fill(0);
  assertEquals(texts(sent.end()), [...kept, "y".repeat(50_000)]);
});

Deno.test("SentReplies asks after so many, or so large ones, and forgets what was taken by then", () => {
  const sent = new SentReplies();
  for (let n = 0; n < 199; n++) sent.add(replyOf("x"));
  assertEquals(sent.asks, false);
  sent.add(replyOf("x"));
  assertEquals(sent.asks, true);
  const asked = sent.asking();
  for (let n = 0; n < 1500; n++) sent.add(replyOf(bytes("later")));
  assertEquals(sent.asks, false); // one question at a time
  sent.taken(asked);
  assertEquals([sent.length, sent.asks], [1500, true]);
  sent.taken(sent.asking());
  sent.add(replyOf("x".repeat(200_000)));
  assertEquals([sent.length, sent.asks], [1, true]);
  const last = sent.asking();
  assertEquals(sent.end().length, 1);
  sent.add(replyOf("of the next channel"));
  assertEquals([last, sent.asks, sent.length], [1701, false, 1]);
});
