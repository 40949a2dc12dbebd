import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import type { Access } from "../../broker/auth/access.ts";
import type { Authenticator } from "../../broker/auth/authenticator.ts";
import { plainResponse, readPlainResponse } from "../../broker/amqp/sasl.ts";
import { connectionOpen, connectionTuneOk } from "../../broker/amqp/methods/mod.ts";
import { AmqpError } from "../../broker/amqp/error.ts";
import { connect } from "../../client/connect.ts";
import { closing } from "../behaviour/observe.ts";
import { sendStartOk, ServedBroker } from "../connection/support.ts";

/** Several authenticators, what they permit, and logins without a password. */

const ALL: Access = { permits: () => true };

/** Lets in whoever has the password `token`, as whom he says. */
function tokens(access: (vhost: string) => Access | undefined): Authenticator {
  return {
    mechanisms: ["PLAIN"],
    authenticate({ response }) {
      const { username, password } = readPlainResponse(response)!;
      return password === "token"
        ? { name: username, access }
        : { refused: "that is no token", name: username };
    },
  };
}

async function mechanisms(served: ServedBroker): Promise<string> {
  const peer = served.dial();
  await peer.sendBytes(new Uint8Array([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]));
  return (await peer.expect(0, "connection.start")).mechanisms;
}

Deno.test("users come in beside those of a program, each by what is its own", async () => {
  await using broker = new Broker({ authenticator: [tokens(() => ALL), "users"] });
  await broker.setPermissions({ user: "guest", configure: "", write: "", read: "" });
  const { port } = await broker.listen({ port: 0 });
  const dial = (password: string) =>
    connect({ hostname: "127.0.0.1", port, username: "guest", password });
  // a token that names a user of the broker is not that user
  await using byToken = await dial("token");
  await (await byToken.openChannel()).queueDeclare("q");
  await using byPassword = await dial("guest");
  const channel = await byPassword.openChannel();
  channel.queueDeclare("q").catch(() => {});
  assertEquals((await closing(channel))[0], 403);
  await assertRejects(() => dial("neither"), AmqpError, "Login was refused");
});

Deno.test("a user that is deleted during its login is not taken for a program's own", async () => {
  await using served = await ServedBroker.start({
    authenticator: [tokens(() => undefined), "users"],
  });
  const peer = served.dial();
  await sendStartOk(peer);
  const offered = await peer.expect(0, "connection.tune");
  await served.broker.deleteUser("guest");
  await peer.send(0, connectionTuneOk(offered));
  await peer.send(0, connectionOpen({ virtualHost: "/" }));
  const { replyText } = await peer.expect(0, "connection.close");
  assertEquals(replyText, "NOT_ALLOWED - access to vhost '/' refused for user 'guest'");
});

Deno.test("a refused login is logged with what each of them says", async () => {
  await using served = await ServedBroker.start({ authenticator: [tokens(() => ALL), "users"] });
  const peer = served.dial();
  await sendStartOk(peer, { response: plainResponse({ username: "guest", password: "" }) });
  await peer.expect(0, "connection.close");
  assertMatch(
    served.logger.of("warning").join(),
    /that is no token; user 'guest' attempted to log in with a blank password/,
  );
});

Deno.test("somebody has to decide about logins", () => {
  assertThrows(() => new Broker({ authenticator: [] }), TypeError, "nobody decides about logins");
});

Deno.test("a program decides on each operation, once for each name", async () => {
  const asked: string[] = [];
  const access: Access = {
    permits(permission, kind, name) {
      asked.push(`${permission} ${kind} ${name}`);
      return name !== "forbidden";
    },
    permitsTopic(permission, exchange, routingKey) {
      asked.push(`${permission} ${exchange} by ${routingKey}`);
      return routingKey !== "secret";
    },
  };
  await using broker = new Broker({
    authenticator: tokens((vhost) => vhost === "/" ? access : undefined),
  });
  const { port } = await broker.listen({ port: 0 });
  const login = { hostname: "127.0.0.1", port, username: "u", password: "token" };
  await using connection = await connect(login);
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await channel.confirmSelect();
  for (const routingKey of ["open", "open", "other"]) {
    await channel.basicPublish({ exchange: "amq.topic", routingKey }, "");
    await channel.basicPublish({ routingKey: "q" }, "");
  }
  await channel.waitForConfirms();
  assertEquals(asked, [
    "configure queue q",
    "write exchange amq.topic",
    "write amq.topic by open",
    "write exchange amq.default",
    "write amq.topic by other",
  ]);
  channel.basicPublish({ exchange: "amq.topic", routingKey: "secret" }, "");
  assertEquals((await closing(channel)).slice(0, 2), [
    403,
    "ACCESS_REFUSED - write access to topic 'secret' in exchange 'amq.topic' in vhost '/' refused " +
    "for user 'u'",
  ]);
  const next = await connection.openChannel();
  next.queueDeclare("forbidden").catch(() => {});
  assertEquals((await closing(next))[0], 403);
  await broker.addVhost("v");
  await assertRejects(
    () => connect({ ...login, vhost: "v" }),
    AmqpError,
    "NOT_ALLOWED - access to vhost 'v' refused for user 'u'",
  );
});

Deno.test("ANONYMOUS is neither offered nor taken unless the broker says as whom", async () => {
  await using served = await ServedBroker.start();
  assertEquals(await mechanisms(served), "AMQPLAIN PLAIN");
  const peer = served.dial();
  await sendStartOk(peer, { mechanism: "ANONYMOUS" });
  await peer.expect(0, "connection.close");
  assertMatch(served.logger.of("warning").join(), /mechanism ANONYMOUS is not offered/);
});

Deno.test("who comes in by ANONYMOUS is the user that the broker was told, whatever he shows", async () => {
  await using served = await ServedBroker.start({ anonymousUser: "guest" });
  assertEquals(await mechanisms(served), "AMQPLAIN PLAIN ANONYMOUS");
  const names: string[] = [];
  served.broker.on("user.authentication.success", ({ name }) => void names.push(name!));
  const peer = served.dial();
  await sendStartOk(peer, { mechanism: "ANONYMOUS", response: new Uint8Array([1, 2, 3]) });
  await peer.expect(0, "connection.tune");
  assertEquals(names, ["guest"]);
  // one that may only come from loopback does so without a password, too
  const far = served.dial({ hostname: "192.0.2.1" });
  await sendStartOk(far, { mechanism: "ANONYMOUS" });
  await far.expect(0, "connection.close");
  await served.broker.deleteUser("guest");
  const late = served.dial();
  await sendStartOk(late, { mechanism: "ANONYMOUS" });
  await late.expect(0, "connection.close");
  assertMatch(served.logger.of("warning").at(-1)!, /user 'guest' does not exist/);
});
