import { assertEquals } from "@std/assert";
import { JsonValues } from "../../broker/management/json_values.ts";
import { manage } from "../../broker/management/mod.ts";
import { Broker } from "../../mod.ts";
import { turns } from "../support/turns.ts";
import { ManagedBroker } from "./support.ts";

Deno.test("JsonValues counts items and fields, and nothing in texts, wherever parts end", () => {
  const text = '{"a,[{":[1,[],{}],"b\\\\":"\\",,,[","c":"\\\\\\",{","é":{"d":null}}';
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    const values = new JsonValues();
    for (let at = 0; at < bytes.length; at += size) values.add(bytes.subarray(at, at + size));
    // the whole, four brackets and braces in it, five commas
    assertEquals(values.count, 1 + 5 + 5, `parts of ${size}`);
  }
});

Deno.test("a body with very much in it is refused before it becomes objects", async () => {
  await using managed = new ManagedBroker();
  const put = async (argument: string) =>
    (await managed.ask("PUT", "/queues/%2F/q", { body: `{"arguments":{"a":${argument}}}` })).status;
  assertEquals(await put(`[${"[],".repeat(20_000)}0]`), 400);
  assertEquals(await put(`${"[".repeat(20_000)}${"]".repeat(20_000)}`), 400);
  assertEquals(await put(`"${"x".repeat(1024 * 1024)}"`), 413);
  assertEquals([...managed.broker.queues()], []);
  assertEquals(await put(`"${",".repeat(20_000)}"`), 201);
  assertEquals(await put(`[${"0,".repeat(5000)}0]`), 204);
  // what names very many things is longer, and messages are as large as they may be
  const ids = Array.from({ length: 100_000 }, (_, id) => id);
  const deleted = await managed.ask("DELETE", "/queues/%2F/q/messages", { body: { ids } });
  assertEquals([deleted.status, deleted.body], [200, { deleted: 0 }]);
  const published = await managed.ask("POST", "/exchanges/%2F/amq.default/publish", {
    body: {
      ...{ properties: {}, routing_key: "q", payload_encoding: "string" },
      payload: "[,".repeat(1024 * 1024),
    },
  });
  assertEquals(published.body, { routed: true });
});

Deno.test("a body that is too large is told so at once, whoever sends it and in what parts", async () => {
  await using managed = new ManagedBroker();
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const body = "x".repeat(2 * 1024 * 1024);
  const login = await managed.ask("POST", "/login", { user: "", headers: form, body });
  assertEquals(login.status, 413);
  // those who send large ones have their turns; this one needs none
  const turns: WritableStreamDefaultWriter<Uint8Array>[] = [];
  const large = Array.from({ length: 2 }, () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    turns.push(writable.getWriter());
    return managed.ask("POST", "/definitions", { body: readable });
  });
  for (const turn of turns) await turn.write(new TextEncoder().encode(" ".repeat(body.length)));
  assertEquals((await managed.ask("PUT", "/queues/%2F/q", { body })).status, 413);
  for (const turn of turns) await turn.close();
  for (const { status } of await Promise.all(large)) assertEquals(status, 204);
});

Deno.test("a user sends two large bodies at once, others theirs, and small ones go on", async () => {
  await using broker = new Broker({ passwordHashing: "rabbitmq-sha256" });
  await broker.addUser("ann", { password: "p", tags: ["administrator"] });
  using api = manage(broker);
  const sent: string[] = [];
  const send = (name: string, user: string, size: number) => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const headers = { authorization: `Basic ${btoa(user)}` };
    const url = `http://localhost:15672/api/definitions`;
    const request = new Request(url, { method: "POST", headers, body: readable });
    const answer = api.handle(request, { hostname: "127.0.0.1", port: 40_000 });
    const text = new TextEncoder().encode(`{"rabbit_version":"${"x".repeat(size)}"`);
    const writing = (async () => {
      for (let at = 0; at < text.length; at += 65_536) {
        await writer.write(text.subarray(at, at + 65_536));
      }
      sent.push(name);
    })();
    return async () => {
      await writing;
      await writer.write(new TextEncoder().encode("}"));
      await writer.close();
      const { status } = await answer;
      return status;
    };
  };
  const large = 2 * 1024 * 1024;
  const first = send("first", "guest:guest", large);
  const second = send("second", "guest:guest", large);
  await turns(50);
  const third = send("third", "guest:guest", large);
  const small = send("small", "guest:guest", 1000);
  const anns = send("ann's", "ann:p", large);
  await turns(50);
  assertEquals(sent.toSorted(), ["ann's", "first", "second", "small"]);
  assertEquals(await small(), 204);
  assertEquals(await first(), 204);
  assertEquals([await third(), await second(), await anns()], [204, 204, 204]);
});
