import { assertEquals, assertRejects } from "@std/assert";
import { connectionUpdateSecret } from "../../broker/amqp/methods/mod.ts";
import { amqplainResponse, plainResponse } from "../../broker/amqp/sasl.ts";
import { connect } from "../../client/connect.ts";
import { parseUri } from "../../client/uri.ts";
import { logIn, sendStartOk } from "../connection/support.ts";
import { ManagedBroker } from "../management/support.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RawPeer } from "../support/raw_peer.ts";
import { tcpTransport } from "../../broker/amqp/transport.ts";

/** What every secret of this test has in it. */
const MARK = "hu5h";

const octets = (text: string) => new TextEncoder().encode(text);

Deno.test("whatever is done with a secret, it is in no log, no event, no answer and no error", async () => {
  // who is refused so often waits for the news, but not here
  const clock = new ManualClock();
  clock.advance(Date.now());
  const passing = setInterval(() => clock.advance(500), 5);
  await using managed = new ManagedBroker({ clock });
  const { broker, logger } = managed;
  await using server = await broker.listen({ port: 0 });
  const told: string[] = [];
  const tell = (value: unknown) => void told.push(Deno.inspect(value, { depth: 20 }));
  for (const name of ["created", "password.changed", "deleted"] as const) {
    broker.on(`user.${name}`, tell);
  }
  for (const name of ["success", "failure"] as const) {
    broker.on(`user.authentication.${name}`, tell);
  }
  const dial = async () =>
    new RawPeer(tcpTransport(await Deno.connect({ hostname: "127.0.0.1", port: server.port })));

  await broker.addUser("ann", { password: `${MARK}-1`, tags: ["management"] });
  await broker.setPermissions({ user: "ann", configure: "", write: "", read: "" });
  await broker.changePassword("ann", `${MARK}-2`);

  // logins: right, wrong, malformed
  const right = { username: "ann", password: `${MARK}-2` };
  await using open = await dial();
  await logIn(open, { response: plainResponse(right) });
  await open.send(
    0,
    connectionUpdateSecret({ newSecret: octets(`${MARK}-new`), reason: "why not" }),
  );
  const wrong = { username: "ann", password: `${MARK}-wrong` };
  const attempts: readonly (readonly [mechanism: string, response: Uint8Array])[] = [
    ["PLAIN", plainResponse(wrong)],
    ["AMQPLAIN", amqplainResponse(wrong)],
    ["AMQPLAIN", amqplainResponse(wrong).subarray(0, -3)],
    ["PLAIN", octets(`${MARK}-alone`)],
    ["CRAM-MD5", octets(`${MARK}-hash`)],
    ["EXTERNAL", octets(`${MARK}-name`)],
  ];
  for (const [mechanism, response] of attempts) {
    await using peer = await dial();
    await sendStartOk(peer, { mechanism, response });
    const { replyText } = await peer.expect(0, "connection.close");
    tell(replyText);
  }
  tell(await assertRejects(() => connect({ port: server.port, ...wrong, recovery: false })));
  const address = `amqp://ann:${MARK}-uri@127.0.0.1:${server.port}/nowhere`;
  tell(await assertRejects(() => connect(address, { recovery: false })));
  for (const odd of [`amqp:/ann:${MARK}@`, `amqp://a:${MARK}%zz@h`, `http://a:${MARK}@h`]) {
    try {
      tell(Object.keys(parseUri(odd)));
    } catch (cause) {
      tell(cause);
    }
  }

  // over HTTP, and in definitions
  tell(await managed.ask("GET", "/whoami", { user: `ann:${MARK}-http` }));
  const bearer = { user: "", headers: { authorization: `Bearer ${MARK}.token.x` } };
  tell(await managed.ask("GET", "/whoami", bearer));
  const put = { body: { password: `${MARK}-put`, tags: "management" } };
  assertEquals((await managed.ask("PUT", "/users/bob", put)).status, 201);
  tell(await managed.ask("PUT", "/users/bob", { body: `{"password": "${MARK}-json"` }));
  tell(await managed.ask("PUT", "/users/bob", { body: { password: `${MARK}`, tags: 5 } }));
  tell(await managed.ask("GET", "/users"));
  tell(await managed.ask("GET", "/connections"));
  const users = [{ name: "eve", password: `${MARK}-file`, tags: 5 }];
  tell(await managed.ask("POST", "/definitions", { body: { users } }));
  tell(await assertRejects(() => broker.importDefinitions(JSON.stringify({ users }))));
  tell(await assertRejects(() => broker.importDefinitions(`{"users": [{"password": "${MARK}"`)));
  tell(broker.exportDefinitions());
  tell([...broker.connections()]);
  await broker.deleteUser("ann");
  clearInterval(passing);

  assertEquals([...logger.lines, ...told].filter((text) => text.includes(MARK)), []);
  // and they were not just silent
  assertEquals(logger.of("warning").length >= attempts.length + 2, true);
  assertEquals(told.length > 25, true);
});
