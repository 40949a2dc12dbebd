import { assertEquals } from "@std/assert";
import { askAgain } from "../compare/management/ask.ts";

Deno.test("what RabbitMQ fails at now and then is asked until it answers, and what it always fails at is not", async () => {
  let failures = 0;
  let asked = 0;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    asked++;
    return new Response(null, { status: failures-- > 0 ? 500 : 400 });
  });
  const status = async (failing: number) => {
    failures = failing;
    asked = 0;
    const base = `http://127.0.0.1:${server.addr.port}`;
    return [(await askAgain(base, { method: "GET", path: "/x" })).status, asked];
  };
  assertEquals(await status(0), [400, 1]);
  assertEquals(await status(4), [400, 5]);
  assertEquals(await status(Infinity), [500, 8]);
});
