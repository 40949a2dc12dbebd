import { assertEquals } from "@std/assert";
import { ManagedBroker } from "./support.ts";

/** None of these is a text. */
const NO_TEXTS: readonly unknown[] = [null, 5, true, [], {}];

Deno.test("what a policy applies to is not passed over when it makes no sense", async () => {
  await using managed = new ManagedBroker();
  for (const kind of ["policies", "operator-policies"]) {
    for (const odd of [...NO_TEXTS, "nope"]) {
      const body = { pattern: "", definition: { "max-length": 1 }, "apply-to": odd };
      const { status, body: told } = await managed.ask("PUT", `/${kind}/%2F/p`, { body });
      assertEquals([status, told?.error], [400, "bad_request"], JSON.stringify(odd));
    }
    assertEquals(await managed.get(`/${kind}`), []);
  }
});

for (const [field, reason] of [["password", "not_a_string"], ["password_hash", "not_base64"]]) {
  Deno.test(`a ${field} that is no text is refused, and takes none away`, async () => {
    await using managed = new ManagedBroker();
    await managed.addUser("ann", "management");
    for (const odd of NO_TEXTS) {
      const body = { [field!]: odd, tags: "" };
      const { status, body: told } = await managed.ask("PUT", "/users/ann", { body });
      assertEquals([status, told?.reason], [400, [reason, odd]]);
    }
    assertEquals((await managed.get("/whoami", { user: "ann:p" })).name, "ann");
  });
}

Deno.test("how a password is hashed is a text, and null as if it were left out", async () => {
  await using managed = new ManagedBroker();
  const put = async (algorithm: unknown, secret: Record<string, string>) => {
    const body = { ...secret, hashing_algorithm: algorithm, tags: "" };
    const { status, body: told } = await managed.ask("PUT", "/users/ann", { body });
    return [status, told?.reason];
  };
  for (const odd of NO_TEXTS.slice(1)) {
    assertEquals(await put(odd, { password_hash: "" }), [400, ["not_a_string", odd]]);
  }
  assertEquals(managed.broker.hasUser("ann"), false);
  assertEquals(await put(null, { password: "p" }), [201, undefined]);
  assertEquals(await put(null, { password_hash: "" }), [204, undefined]);
});

Deno.test("the type of an exchange may be left out, and is a text", async () => {
  await using managed = new ManagedBroker();
  const { status, body } = await managed.ask("PUT", "/exchanges/%2F/a", { body: { type: null } });
  assertEquals([status, body?.reason], [400, "invalid exchange type 'null'"]);
  assertEquals((await managed.ask("PUT", "/exchanges/%2F/a", { body: {} })).status, 201);
  assertEquals((await managed.get("/exchanges/%2F/a")).type, "direct");
});

Deno.test("headers are an object, and a list is none, as clients in PHP write it", async () => {
  await using managed = new ManagedBroker();
  const publish = async (headers: unknown) => {
    const properties = { headers };
    const message = { routing_key: "q", properties, payload: "x", payload_encoding: "string" };
    const path = "/exchanges/%2F/amq.default/publish";
    return await managed.ask("POST", path, { body: message });
  };
  for (const odd of [null, 5, true, "x"]) {
    const { status, body } = await publish(odd);
    assertEquals([status, body.reason], [400, ["headers_not_object", odd]]);
  }
  await managed.broker.declareQueue({ queue: "q" });
  for (const good of [undefined, [], {}, { a: 1 }]) {
    assertEquals((await publish(good)).body, { routed: true });
  }
  const get = { count: 9, ackmode: "ack_requeue_true", encoding: "auto" };
  const { body } = await managed.ask("POST", "/queues/%2F/q/get", { body: get });
  const told = body.map(({ properties }: { properties: unknown }) => properties);
  assertEquals(told, [[], [], { headers: {} }, { headers: { a: 1 } }]);
});

Deno.test("limits of users are numbers, or RabbitMQ's words say what they are", async () => {
  await using managed = new ManagedBroker();
  const put = async (name: string, value: unknown) => {
    const { body } = await managed.ask("PUT", `/user-limits/guest/${name}`, { body: { value } });
    return body?.reason;
  };
  const text = "max-channels should be a number, actually was ";
  assertEquals(await put("max-channels", null), `${text}null`);
  assertEquals(await put("max-channels", "x"), `${text}<<"x">>`);
  assertEquals(await put("max-channels", ""), `${text}<<>>`);
  assertEquals(await put("max-channels", "7"), undefined);
});

Deno.test("JSON that is in JSON once more is told apart from what is none", async () => {
  await using managed = new ManagedBroker();
  const reason = async (body: string) =>
    (await managed.ask("PUT", "/queues/%2F/q", { body })).body.reason;
  assertEquals(
    await reason(JSON.stringify('{"durable":true}')),
    "invalid payload: the request body JSON-decoded to a string. " +
      "Is the input doubly-JSON-encoded?",
  );
  assertEquals(await reason("{"), "not_json");
});
