import { Broker } from "../../broker/broker.ts";
import { connect } from "../../client/connect.ts";
import type { JsonObject } from "../../broker/policy/json.ts";
import { PASSWORD, PERMISSION_CASES, permissionFixture } from "../auth/permission_table.ts";
import { outcome } from "../behaviour/observe.ts";
import type { ServedBroker } from "../support/harness.ts";
import type { RabbitmqServer } from "../support/rabbitmq.ts";
import type { Comparison } from "./compare.ts";

/** Runs the cases of permissions, and a few of logins, against both brokers. */
export async function* comparePermissions(rabbitmq: RabbitmqServer): AsyncGenerator<Comparison> {
  await using broker = new Broker();
  await using warren = await broker.listen({ port: 0 });
  const definitions = { ...permissionFixture(), ...await loginFixture() };
  await importIntoRabbitmq(rabbitmq, definitions);
  await broker.importDefinitions(definitions);
  const both = [rabbitmq, warren];
  for (const { title, user, run } of PERMISSION_CASES) {
    const [theirs, ours] = await Promise.all(both.map(async ({ port }) => {
      await using connection = await connect({ ...addressOf({ port }), username: user });
      return withoutPermission(await run(connection));
    }));
    yield { title: `permissions: ${title}`, rabbitmq: theirs!, warren: ours! };
  }
  for (const { title, uri } of LOGINS) {
    const [theirs, ours] = await Promise.all(both.map(async ({ port }) => {
      const opening = connect(uri.replace("PORT", `${port}`)).then((open) => open.close());
      return JSON.stringify(await outcome(opening));
    }));
    yield { title: `logins: ${title}`, rabbitmq: theirs!, warren: ours! };
  }
}

/** Logins, and what the broker says to them. */
const LOGINS: readonly { readonly title: string; readonly uri: string }[] = [
  { title: "the right password", uri: "amqp://digest512:secret@127.0.0.1:PORT" },
  { title: "a wrong password", uri: "amqp://digest512:other@127.0.0.1:PORT" },
  { title: "an empty password", uri: "amqp://digest512:@127.0.0.1:PORT" },
  { title: "a user that there is not", uri: "amqp://nobody:secret@127.0.0.1:PORT" },
  { title: "a user without a password", uri: "amqp://nopassword:secret@127.0.0.1:PORT" },
  { title: "a vhost that the user may not enter", uri: "amqp://stranger:secret@127.0.0.1:PORT" },
  { title: "more connections than the user may have", uri: "amqp://limited:secret@127.0.0.1:PORT" },
];

async function loginFixture(): Promise<JsonObject> {
  await using broker = new Broker({ passwordHashing: "rabbitmq-sha512" });
  for (const name of ["digest512", "stranger", "limited"]) {
    await broker.addUser(name, { password: PASSWORD });
  }
  await broker.addUser("nopassword", { tags: ["management"] });
  await broker.setUserLimits("limited", { maxConnections: 0 });
  for (const user of ["digest512", "limited", "nopassword"]) {
    await broker.setPermissions({ user, configure: ".*", write: ".*", read: ".*" });
  }
  const { users, permissions } = broker.exportDefinitions() as {
    readonly [name: string]: readonly JsonObject[];
  };
  const { users: others, permissions: theirs } = permissionFixture() as {
    readonly [name: string]: readonly JsonObject[];
  };
  return { users: [...others!, ...users!], permissions: [...theirs!, ...permissions!] };
}

/** RabbitMQ 3.10 does not say which of the three is missing. */
function withoutPermission(text: string): string {
  return text.replace(/^(403 ACCESS_REFUSED - )(configure|write|read) (?=access to)/, "$1");
}

function addressOf({ port }: ServedBroker) {
  return { hostname: "127.0.0.1", port, password: PASSWORD };
}

async function importIntoRabbitmq(
  rabbitmq: RabbitmqServer,
  definitions: JsonObject,
): Promise<void> {
  const file = await Deno.makeTempFile({ prefix: "definitions-" });
  try {
    await Deno.writeTextFile(file, JSON.stringify(definitions));
    await rabbitmq.control("import_definitions", file);
  } finally {
    await Deno.remove(file);
  }
}
