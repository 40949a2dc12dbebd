import type { JsonObject, UserPermissions } from "../../mod.ts";
import { compilePermission } from "../../auth/permissions.ts";
import { requireAdministrator } from "../access.ts";
import { isObject, LISTED, readObject, required, textsOf } from "../body.ts";
import type { Api, Call, Management } from "../context.ts";
import { badRequest, notFound } from "../errors.ts";
import { answer, answerList } from "../listing.ts";
import { isProtected, requireUnprotected } from "../protected_users.ts";
import { byVhost, describePermissions } from "./permissions.ts";

/** Users: what there is, adding, changing and deleting; and who it is that is asking. */
export function userRoutes(api: Api, management: Management): void {
  const { broker } = management;
  const list = (call: Call, rows: readonly JsonObject[]) =>
    answerList(call, { rows, key: nameOf, name: nameOf, describe: describeUser });
  const find = (call: Call) => {
    const user = call.req.param("user") ?? "";
    if (!broker.hasUser(user)) throw notFound();
    return broker.userDefinitions({ user })[0]!;
  };

  api.get("/api/whoami", (call) => {
    const { user: name, tags } = call.var.session;
    return answer(call, { name, tags: [...tags], is_internal_user: broker.hasUser(name) });
  });

  api.get("/api/users", (call) => {
    requireAdministrator(call);
    return list(call, broker.userDefinitions());
  });

  for (const path of ["/api/users/without-permissions", "/api/users/without-permissions/"]) {
    api.get(path, (call) => {
      requireAdministrator(call);
      const permitted = new Set(broker.permissions().map(({ user }) => user));
      return list(call, broker.userDefinitions().filter((user) => !permitted.has(nameOf(user))));
    });
  }

  api.post("/api/users/bulk-delete", async (call) => {
    requireAdministrator(call);
    const [users] = required(await readObject(call, LISTED), "users");
    if (!Array.isArray(users)) throw badRequest("users has to be a list of names");
    const odd = users.find((name) => typeof name !== "string");
    if (odd !== undefined) throw badRequest(["not_a_string", odd]);
    // who is not there is gone already, as RabbitMQ has it since 3.12
    for (const name of new Set(users as string[])) {
      if (broker.hasUser(name) && !isProtected(broker, name)) await broker.deleteUser(name);
    }
    return call.body(null, 204);
  });

  api.get("/api/users/:user", (call) => {
    requireAdministrator(call);
    return answer(call, describeUser(find(call)));
  });

  api.put("/api/users/:user", async (call) => {
    requireAdministrator(call);
    const name = call.req.param("user");
    const body = await readObject(call);
    requireUnprotected(call, broker, name);
    const before = broker.hasUser(name);
    // RabbitMQ too gives them to a new user alone
    const permissions = before ? [] : readPermissions(name, body);
    const stranger = permissions.find(({ vhost }) => !broker.hasVhost(vhost));
    if (stranger !== undefined) throw badRequest(["no_such_vhost", stranger.vhost]);
    await broker.importDefinitions({ users: [readUser(name, body)], permissions });
    return call.body(null, before ? 204 : 201);
  });

  api.delete("/api/users/:user", async (call) => {
    requireAdministrator(call);
    const name = nameOf(find(call));
    requireUnprotected(call, broker, name);
    await broker.deleteUser(name);
    return call.body(null, 204);
  });

  api.get("/api/users/:user/permissions", (call) => {
    requireAdministrator(call);
    return answerList(call, {
      rows: broker.permissions({ user: nameOf(find(call)) }),
      key: byVhost,
      describe: describePermissions,
      paged: false,
    });
  });

  api.get("/api/users/:user/topic-permissions", (call) => {
    requireAdministrator(call);
    return answerList(call, {
      rows: broker.topicPermissions({ user: nameOf(find(call)) }),
      key: byVhost,
      describe: (entry): JsonObject => ({ ...entry }),
      paged: false,
    });
  });
}

function nameOf({ name }: JsonObject): string {
  return String(name);
}

/** What a new user is to have in vhosts from the beginning: patterns by the names of these. */
function readPermissions(
  user: string,
  { permissions }: JsonObject,
): (UserPermissions & JsonObject)[] {
  if (permissions === undefined) return [];
  if (!isObject(permissions)) throw badRequest("permissions have to be an object");
  return Object.entries(permissions).map(([vhost, patterns]) => {
    if (!isObject(patterns)) throw badRequest(`permissions in '${vhost}' have to be an object`);
    const { configure, write, read } = textsOf(patterns, "configure", "write", "read");
    // or there would be the user already when they are refused
    for (const pattern of [configure, write, read]) compilePermission(pattern);
    return { user, vhost, configure, write, read };
  });
}

/** As definitions have it: a field of our own says more than RabbitMQ would of some passwords. */
function describeUser(
  { name, password_hash, warren_password_hash, hashing_algorithm, tags, limits }: JsonObject,
): JsonObject {
  return {
    name: name!,
    password_hash: password_hash!,
    hashing_algorithm: hashing_algorithm!,
    has_password: password_hash !== "" || warren_password_hash !== undefined,
    tags: tags!,
    limits: limits!,
  };
}

/** What definitions would say of a user. */
function readUser(name: string, body: JsonObject): JsonObject {
  const { tags, administrator, password, limits } = body;
  const { password_hash: hash, hashing_algorithm: algorithm } = body;
  if (tags === undefined && administrator === undefined) throw badRequest("tags_not_present");
  if (password !== undefined && hash !== undefined) {
    throw badRequest("both_password_and_password_hash_are_provided");
  }
  if (limits !== undefined && !isObject(limits)) throw badRequest("limits have to be an object");
  // a user must not lose its password by one that is none; no algorithm is the usual one, as in RabbitMQ
  for (const text of [password, algorithm ?? undefined]) {
    if (text !== undefined && typeof text !== "string") throw badRequest(["not_a_string", text]);
  }
  if (hash !== undefined && !(typeof hash === "string" && isBase64(hash))) {
    throw badRequest(["not_base64", hash]);
  }
  // one that is empty lets nobody in, and neither does none
  const secret = typeof hash === "string"
    ? { password_hash: hash }
    : typeof password === "string" && password !== ""
    ? { password }
    : {};
  return {
    name,
    ...secret,
    ...typeof algorithm === "string" ? { hashing_algorithm: algorithm } : {},
    ...tags === undefined ? { administrator: administrator! } : { tags },
    ...limits === undefined ? {} : { limits },
  };
}

function isBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
}
