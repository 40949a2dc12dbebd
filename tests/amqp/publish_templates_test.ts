import { assert, assertEquals } from "@std/assert";
import { hashOf } from "../../broker/amqp/byte_reader.ts";
import { viewOf } from "../../broker/amqp/byte_ranges.ts";
import { basicPublish } from "../../broker/amqp/methods/basic.ts";
import { PublishScan } from "../../broker/amqp/publish_scan.ts";
import { PublishTemplates } from "../../broker/amqp/publish_templates.ts";
import { concat } from "@std/bytes";
import { contentFrames } from "./frames.ts";

/** Scans publishes one behind the other, and tells of each whether its method is one that came before. */
function scan(keys: readonly string[]): boolean[] {
  const frames = keys.map((routingKey) =>
    concat(
      contentFrames(1, basicPublish({ exchange: "e", routingKey }), {
        exchange: "e",
        routingKey,
        body: "body",
        properties: {},
      }),
    )
  );
  const bytes = concat([...frames, new Uint8Array(8)]);
  const scanning = new PublishScan();
  const known = new Set<object>();
  let low = 0;
  return keys.map((key) => {
    assert(scanning.finds(bytes, viewOf(bytes), low, bytes.length, 1, 4096, 64));
    low = scanning.end;
    assertEquals(scanning.content.routingKey, key);
    const is = known.has(scanning.method);
    known.add(scanning.method);
    return is;
  });
}

Deno.test("addresses in turns get the same method each time, once they came a few times", () => {
  const keys = Array.from({ length: 100 }, (_, index) => `key.${index}`);
  const again = scan(Array.from({ length: 40 }, () => keys).flat());
  const late = again.slice(-1000);
  assert(late.filter((is) => is).length > 900, `${late.filter((is) => is).length} of 1000`);
});

/** Keeps one publish, and tells where its address begins and ends. */
function kept(templates: PublishTemplates, routingKey: string) {
  const method = basicPublish({ exchange: "e", routingKey });
  const parts = { exchange: "e", routingKey, body: "body", properties: {} };
  const bytes = concat([...contentFrames(1, method, parts), new Uint8Array(8)]);
  const scanning = new PublishScan();
  assert(scanning.finds(bytes, viewOf(bytes), 0, bytes.length, 1, 4096, 64));
  const { addressStart, addressEnd } = scanning.content;
  const hash = hashOf(bytes, addressStart, addressEnd + 1);
  templates.take(hash, bytes, 0, 1, 64, 64, method, scanning.content);
  const find = (payloadMax = 4096, depthMax = 64, channel = 1) =>
    templates.find(
      hash,
      bytes,
      viewOf(bytes),
      0,
      bytes.length,
      channel,
      payloadMax,
      depthMax,
      addressStart,
      scanning.content,
    );
  const next = () =>
    templates.next(
      bytes,
      viewOf(bytes),
      0,
      bytes.length,
      1,
      4096,
      64,
      addressStart,
      scanning.content,
    );
  return { method, find, next };
}

Deno.test("PublishTemplates expects the one that came next before, once they come in order", () => {
  const templates = new PublishTemplates();
  const all = Array.from({ length: 10 }, (_, index) => kept(templates, `key.${index}`));
  for (const { find } of all) find();
  assert(!templates.orderly, "nothing has come again");
  for (let round = 0; round < 2; round++) for (const { find } of all) find();
  assert(templates.orderly);
  for (const { next, method } of all) assert(next() === method);
  assert(templates.orderly);
  assertEquals(all[5]!.next(), undefined);
  assert(!templates.orderly, "another one came");
  assert(all[5]!.find() === all[5]!.method);
});

Deno.test("PublishTemplates expects nothing while one comes again and again, or by chance", () => {
  const templates = new PublishTemplates();
  const [one, two, three] = ["a", "b", "c"].map((key) => kept(templates, key));
  for (let round = 0; round < 50; round++) one!.find();
  assert(!templates.orderly);
  for (let round = 0; round < 50; round++) {
    for (const { find } of round % 2 === 0 ? [one!, two!, three!] : [two!, one!, three!]) find();
    assert(!templates.orderly);
  }
});

Deno.test("PublishTemplates finds what it kept, for links that let as much through", () => {
  const templates = new PublishTemplates();
  const { method, find } = kept(templates, "one");
  assert(find() === method);
  assertEquals([find(63), find(4096, 63), find(4096, 64, 2)], [undefined, undefined, undefined]);
  assert(find(64, 64) === method);
});

Deno.test("PublishTemplates is seldom worthwhile while nothing that it keeps comes again", () => {
  const templates = new PublishTemplates();
  let worth = 0;
  for (let index = 0; index < 2000; index++) {
    if (!templates.worthwhile) continue;
    worth++;
    kept(templates, `once.${index}`);
  }
  assert(worth < 200, `${worth} of 2000`);
  const { find } = kept(templates, "again");
  find();
  assert(templates.worthwhile && templates.worthwhile);
});
