import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { plainResponse } from "../../broker/amqp/sasl.ts";
import type { Authenticator } from "../../broker/auth/authenticator.ts";
import type { BrokerOptions } from "../../broker/options.ts";
import { sendStartOk, ServedBroker, settle } from "../connection/support.ts";
import type { RawPeer } from "../support/raw_peer.ts";

/**
 * What a guesser can find out without having it counted: nothing.
 *
 * @module
 */

const ALL = { configure: ".*", write: ".*", read: ".*" };
const [HOME, ELSEWHERE] = ["192.0.2.1", "198.51.100.1"];

async function servedWithAlice(options: BrokerOptions = {}): Promise<ServedBroker> {
  const served = await ServedBroker.start({ passwordHashing: "rabbitmq-sha256", ...options });
  await served.broker.addUser("alice", { password: "secret" });
  await served.broker.setPermissions({ user: "alice", ...ALL });
  return served;
}

/** A login under way, and what is known of it. */
interface Attempt {
  readonly peer: RawPeer;
  /** The first that it was told; undefined: nothing yet. */
  told: string | undefined;
}

async function attempt(
  served: ServedBroker,
  password: string,
  hostname: string,
  username = "alice",
): Promise<Attempt> {
  const peer = served.dial({ hostname });
  await sendStartOk(peer, { response: plainResponse({ username, password }) });
  const made: Attempt = { peer, told: undefined };
  peer.next().then((next) => made.told = next?.method.name ?? "end", () => made.told = "end");
  return made;
}

/** Lets a login take all turns that it can have while no time passes. */
async function enters(served: ServedBroker, password: string, hostname: string): Promise<boolean> {
  const made = await attempt(served, password, hostname);
  await settle();
  const { told } = made;
  made.peer.close();
  await settle();
  return told === "connection.tune";
}

/** Logins that come together, whose clients hang up; tells how many were let in first. */
async function countEntering(
  served: ServedBroker,
  passwords: readonly string[],
  hostname: string,
): Promise<number> {
  let count = 0;
  for (let from = 0; from < passwords.length; from += 100) {
    const some = passwords.slice(from, from + 100);
    const made = await Promise.all(some.map((one) => attempt(served, one, hostname)));
    await settle();
    count += made.filter(({ told }) => told === "connection.tune").length;
    for (const { peer } of made) peer.close();
    await settle();
  }
  return count;
}

/** A thousand, and one of them may be right. */
function guesses(right?: string): string[] {
  return Array.from({ length: 1000 }, (_, at) => at === 500 ? right ?? "g" : `guess ${at}`);
}

/** Guesses as often as it takes until an address has to wait, and longer than a test lasts. */
async function hold(served: ServedBroker, hostname: string): Promise<void> {
  for (let count = 0; count < 4; count++) {
    const { peer } = await attempt(served, "guess", hostname, "nobody");
    await settle();
    peer.close();
  }
  await settle();
}

Deno.test("who has to wait finds out about nobody's password by what does not have to", async () => {
  await using served = await servedWithAlice();
  assertEquals(await enters(served, "secret", HOME), true);
  await hold(served, ELSEWHERE);
  const entered = await countEntering(served, guesses("secret"), ELSEWHERE);
  assertEquals(entered, 0, "the right one has to wait like all others");
  assertEquals(await enters(served, "secret", HOME), true, "who knows it comes in from home");
  // in its turn it is right
  const right = await attempt(served, "secret", ELSEWHERE);
  served.clock.advance(5000);
  await settle();
  assertEquals(right.told, "connection.tune");
  right.peer.close();
});

Deno.test("who hangs up while he waits is counted, and logged once a second with the number", async () => {
  await using served = await servedWithAlice();
  const errors: string[] = [];
  served.broker.on("user.authentication.failure", ({ error, peerHost, authMechanism }) => {
    errors.push(`${peerHost} ${authMechanism} ${error}`);
  });
  await hold(served, ELSEWHERE);
  const [before, known] = [served.logger.lines.length, errors.length];
  await countEntering(served, guesses(), ELSEWHERE);
  assertEquals(errors.length - known, 1000);
  assertEquals(
    errors.at(-1),
    `${ELSEWHERE} PLAIN the client had gone before its login was looked at`,
  );
  const lines = () => served.logger.lines.slice(before).filter((line) => line.includes("had gone"));
  assertEquals(lines().length, 1);
  served.clock.advance(1000);
  assertEquals(lines().length, 2);
  assertMatch(
    lines()[1]!,
    /^warning: connection 198\.51\.100\.1:\d+: the client had gone before its login was looked at \(999 lines like this of its address within a second\)$/,
  );
  // of another address it is said at once
  await hold(served, HOME);
  await enters(served, "guess", HOME);
  assertEquals(lines().length, 3);
  assertEquals(served.logger.lines.some((line) => line.includes("secret")), false);
});

Deno.test("whoever shares an address with one who logs in there has few guesses at his password", async () => {
  await using served = await servedWithAlice();
  assertEquals(await enters(served, "secret", HOME), true);
  await hold(served, HOME);
  assertEquals(await enters(served, "secret", HOME), true, "what was right there does not wait");
  for (let count = 0; count < 3; count++) {
    assertEquals(await enters(served, "secret", HOME), true, `after ${count} wrong ones`);
    assertEquals(await enters(served, `guess ${count}`, HOME), false);
  }
  assertEquals(await enters(served, "secret", HOME), false, "now it waits like all others");
  const waiting = await attempt(served, "secret", HOME);
  served.clock.advance(5000);
  await settle();
  assertEquals(waiting.told, "connection.tune");
  waiting.peer.close();
  // nor has it more because alice came in again
  await hold(served, HOME);
  assertEquals(await enters(served, "secret", HOME), false);
  // after a while there is one more
  served.clock.advance(25_001);
  await hold(served, HOME);
  assertEquals(await enters(served, "secret", HOME), true);
  assertEquals(await enters(served, "guess", HOME), false);
  assertEquals(await enters(served, "secret", HOME), false);
});

Deno.test("a new password is known at no address, and the old one is of no use", async () => {
  await using served = await servedWithAlice();
  assertEquals(await enters(served, "secret", HOME), true);
  await hold(served, HOME);
  await served.broker.changePassword("alice", "other");
  assertEquals(await enters(served, "secret", HOME), false);
  assertEquals(await enters(served, "other", HOME), false);
});

Deno.test("logins that nobody can guess right are kept waiting as well", async () => {
  await using served = await servedWithAlice({ anonymousUser: "guest" });
  await hold(served, ELSEWHERE);
  const before = served.logger.of("warning").length;
  const peers = [];
  for (const mechanism of ["PLAIN", "AMQPLAIN", "EXTERNAL", "ANONYMOUS", "NONE"]) {
    for (let count = 0; count < 20; count++) {
      const peer = served.dial({ hostname: ELSEWHERE });
      await sendStartOk(peer, { mechanism, response: new Uint8Array([1]) });
      peers.push(peer);
    }
  }
  await settle();
  assertEquals(served.logger.of("warning").length, before);
  for (const peer of peers) peer.close();
});

Deno.test("a crowd that waits and tokens that are none do not fill the log", async () => {
  const tokens: Authenticator = {
    mechanisms: ["PLAIN"],
    authenticate: () => ({ refused: "no" }),
    mayBeGuessed: ({ response }) => response.length > 20,
  };
  await using served = await ServedBroker.start({ authenticator: tokens });
  await hold(served, HOME);
  const before = served.logger.of("warning").length;
  for (let count = 0; count < 100; count++) assertEquals(await enters(served, "t", HOME), false);
  assertLess(served.logger.of("warning").length - before, 3);
  served.clock.advance(1000);
  assertMatch(served.logger.of("warning").at(-1)!, /: no \(99 lines like this/);
});

Deno.test("what looks like a token to one authenticator is to another one a guess as any", async () => {
  const asked: string[] = [];
  const member = (name: string, mayBeGuessed: boolean): Authenticator => ({
    mechanisms: ["PLAIN"],
    authenticate({ response }) {
      asked.push(name);
      const right = new TextDecoder().decode(response).endsWith(`\0${name}`);
      return right ? { name: "u" } : { refused: `${name}: no` };
    },
    mayBeGuessed: () => mayBeGuessed,
  });
  const authenticator = [member("tokens", false), member("others", true)];
  await using served = await ServedBroker.start({ authenticator });
  await hold(served, HOME);
  asked.length = 0;
  assertEquals(await enters(served, "tokens", HOME), true);
  assertEquals(asked, ["tokens"]);
  assertEquals(await enters(served, "guess", HOME), false);
  assertEquals(asked, ["tokens", "tokens"], "the other one is asked in its turn alone");
  const waiting = await attempt(served, "others", HOME);
  served.clock.advance(5000);
  await settle();
  assertEquals(waiting.told, "connection.tune");
  assertEquals(asked, ["tokens", "tokens", "tokens", "others"]);
  await hold(served, HOME);
  assert(served.logger.of("warning").some((line) => line.endsWith(": tokens: no; others: no")));
});
