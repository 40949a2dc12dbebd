import { assertEquals, assertMatch } from "@std/assert";
import { manage } from "../../broker/management/mod.ts";
import { Broker } from "../../mod.ts";

/** A broker with a long list of queues, and its API, whose answers are not read by themselves. */
async function managed() {
  const broker = new Broker({ passwordHashing: "rabbitmq-sha256" });
  for (let index = 0; index < 300; index++) await broker.declareQueue({ queue: `${index}` });
  await broker.addUser("ann", { password: "secret", tags: ["monitoring"] });
  const api = manage(broker);
  const ask = async (user: string, gone?: AbortSignal, method = "GET") => {
    const headers = { authorization: `Basic ${btoa(user)}` };
    const request = new Request("http://localhost:15672/api/queues", { method, headers });
    const peer = { hostname: "127.0.0.1", port: 40_000, ...gone === undefined ? {} : { gone } };
    return await api.handle(request, peer);
  };
  const guest = (gone?: AbortSignal) => ask("guest:guest", gone);
  return {
    ask,
    guest,
    async [Symbol.asyncDispose]() {
      api[Symbol.dispose]();
      await broker.close();
    },
  };
}

/** True when it is done by now: what it needs is no more than a few turns. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => done = true);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve));
  return done;
}

Deno.test("a user gets so many long lists at once, and the next when one of them is read", async () => {
  await using api = await managed();
  const unread: Response[] = [];
  for (let count = 0; count < 4; count++) unread.push(await api.guest());
  const fifth = api.guest();
  assertEquals(await isDone(fifth), false);
  // others are not kept waiting
  assertEquals((await (await api.ask("ann:secret")).json()).length, 0);
  assertEquals((await unread[0]!.json()).length, 300);
  assertEquals((await (await fifth).json()).length, 300);
  for (const response of unread.slice(1)) await response.body!.cancel();
  for (let count = 0; count < 8; count++) await (await api.guest()).body!.cancel();
  // of which nobody takes the body
  for (let count = 0; count < 8; count++) {
    assertEquals((await api.ask("guest:guest", undefined, "HEAD")).status, 200);
  }
});

Deno.test("who waits for a long list and has gone, waits no more", async () => {
  await using api = await managed();
  const unread: Response[] = [];
  for (let count = 0; count < 4; count++) unread.push(await api.guest());
  const gone = new AbortController();
  const fifth = api.guest(gone.signal);
  assertEquals(await isDone(fifth), false);
  gone.abort();
  const { status } = await fifth;
  assertEquals(status, 429);
  for (const response of unread) await response.body!.cancel();
  assertMatch(await (await api.guest()).text(), /^\[\{.*\}\]$/);
});
