import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import type { Content } from "../../broker/amqp/content.ts";
import { OutgoingContent } from "../../client/outgoing_content.ts";
import { RecordingLink } from "./recording_link.ts";

const encoder = new TextEncoder();

function textOf({ body, bodyStart, bodyEnd }: Content): string {
  return new TextDecoder().decode(body.slice(bodyStart, bodyEnd));
}

Deno.test("a content is used again with nothing of the message before, unless it was kept", () => {
  const outgoing = new OutgoingContent(new RecordingLink());
  const first = outgoing.take("first", false);
  first.properties = { type: "first" };
  outgoing.release(first);

  const second = outgoing.take(encoder.encode("second"), true);
  assertStrictEquals(second, first);
  assertEquals(second.properties, undefined);
  assert(second.transferred);
  assertEquals(textOf(second), "second");
  second.kept = true;
  outgoing.release(second);
  assertEquals(textOf(second), "second");

  const third = outgoing.takeKept(encoder.encode("..third.."), 2, 7);
  assertNotStrictEquals(third, second);
  assert(!third.transferred);
  assertEquals(textOf(third), "third");
});

Deno.test("messages that begin while another one is on its way leave that as it is", () => {
  const outgoing = new OutgoingContent(new RecordingLink());
  for (let round = 0; round < 3; round++) {
    const text = outgoing.take(`text ${round}`, false);
    for (const body of ["a longer text", encoder.encode("bytes"), "another text", "one more"]) {
      const within = outgoing.take(body, false);
      const deeper = outgoing.take("deeper", false);
      assertEquals(textOf(within), typeof body === "string" ? body : "bytes");
      outgoing.release(deeper);
      outgoing.release(within);
      assertEquals(textOf(text), `text ${round}`);
    }
    outgoing.release(text);
  }
});

Deno.test("a message that could not be sent takes nothing from the next one", () => {
  const outgoing = new OutgoingContent(new RecordingLink());
  outgoing.take("never sent", false).properties = { type: "never sent" };
  const next = outgoing.take("next", false);
  assertEquals(next.properties, undefined);
  assertEquals(textOf(next), "next");
  outgoing.release(next);
  assertStrictEquals(outgoing.take("after that", false), next);
});
