import {
  DefinitionError,
  type JsonObject,
  type JsonValue,
  type UserLimits,
  type VhostLimits,
} from "../../mod.ts";
import {
  requireAdministrator,
  requireOwn,
  vhostOf,
  visibleVhostOf,
  visibleVhosts,
} from "../access.ts";
import { readObject, required, wholeNumber } from "../body.ts";
import type { Api, Call, Management } from "../context.ts";
import { badRequest, notFound } from "../errors.ts";
import { answerList } from "../listing.ts";

/** The names of limits in the API, and in the broker. */
const VHOST_LIMITS = { "max-connections": "maxConnections", "max-queues": "maxQueues" } as const;
const USER_LIMITS = { "max-connections": "maxConnections", "max-channels": "maxChannels" } as const;

/** How much vhosts and users may have. */
export function limitRoutes(api: Api, management: Management): void {
  vhostLimitRoutes(api, management);
  userLimitRoutes(api, management);
}

function vhostLimitRoutes(api: Api, { broker }: Management): void {
  const list = (call: Call, vhosts: ReturnType<typeof broker.vhosts>) =>
    answerList(call, {
      rows: vhosts,
      key: ({ name }) => name,
      describe: ({ name, limits }) => ({ vhost: name, value: valueOf(limits, VHOST_LIMITS) }),
      paged: false,
    });
  const find = (name: string) => broker.vhosts().filter((vhost) => vhost.name === name);

  // whose limits were all taken away is still in the list of all
  api.get("/api/vhost-limits", (call) => {
    const set = new Set(broker.parameters({ component: "vhost-limits" }).map(({ vhost }) => vhost));
    return list(call, visibleVhosts(call, broker).filter(({ name }) => set.has(name)));
  });
  api.get("/api/vhost-limits/:vhost", (call) => {
    const found = find(visibleVhostOf(call, broker));
    return list(call, found.filter(({ limits }) => Object.keys(limits).length > 0));
  });

  api.put("/api/vhost-limits/:vhost/:name", async (call) => {
    requireAdministrator(call);
    const vhost = vhostOf(call, broker, true);
    const [value] = required(await readObject(call), "value");
    const before = find(vhost)[0]?.limits ?? {};
    const limits = { ...valueOf(before, VHOST_LIMITS), [call.req.param("name")]: value! };
    await broker.setParameter({ component: "vhost-limits", name: "limits", value: limits, vhost });
    return call.body(null, 204);
  });

  api.delete("/api/vhost-limits/:vhost/:name", async (call) => {
    requireAdministrator(call);
    const vhost = vhostOf(call, broker);
    const limit = knownLimit(VHOST_LIMITS, call.req.param("name"));
    if (limit === undefined) throw notFound();
    const { [limit]: _, ...others }: VhostLimits = find(vhost)[0]?.limits ?? {};
    await broker.setVhostLimits(others, { vhost });
    return call.body(null, 204);
  });
}

function userLimitRoutes(api: Api, { broker }: Management): void {
  const find = (user: string) => broker.hasUser(user) ? broker.users({ user })[0] : undefined;
  const list = (call: Call, users: ReturnType<typeof broker.users>) =>
    answerList(call, {
      rows: users.filter(({ limits }) => Object.keys(limits).length > 0),
      key: ({ name }) => name,
      describe: ({ name, limits }) => ({ user: name, value: valueOf(limits, USER_LIMITS) }),
      paged: false,
    });

  // as since RabbitMQ 4: before, everybody saw everybody's
  api.get("/api/user-limits", (call) => {
    requireAdministrator(call);
    return list(call, broker.users());
  });
  api.get("/api/user-limits/:user", (call) => {
    requireOwn(call, call.req.param("user"));
    const user = find(call.req.param("user"));
    if (user === undefined) throw notFound();
    return list(call, [user]);
  });

  api.put("/api/user-limits/:user/:name", async (call) => {
    requireAdministrator(call);
    const { user: userName, name } = call.req.param();
    const [value] = required(await readObject(call), "value");
    const limit = knownLimit(USER_LIMITS, name);
    if (limit === undefined) {
      throw badRequest(
        `Unrecognised terms [{<<"${name}">>,${JSON.stringify(value)}}] in user-limits`,
      );
    }
    const user = find(userName);
    if (user === undefined) throw badRequest(["no_such_user", userName]);
    const most = (wholeNumber(value) ?? value) as number;
    try {
      await broker.setUserLimits(userName, { ...user.limits, [limit]: most });
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error;
      throw badRequest(error.message.replace(/^Validation failed\s+/, ""));
    }
    return call.body(null, 204);
  });

  api.delete("/api/user-limits/:user/:name", async (call) => {
    requireAdministrator(call);
    const user = find(call.req.param("user"));
    const limit = knownLimit(USER_LIMITS, call.req.param("name"));
    if (user === undefined || limit === undefined) throw notFound();
    const { [limit]: _, ...others }: UserLimits = user.limits;
    await broker.setUserLimits(user.name, others);
    return call.body(null, 204);
  });
}

function knownLimit<Names extends Readonly<Record<string, string>>>(
  names: Names,
  name: string,
): Names[keyof Names] | undefined {
  return Object.hasOwn(names, name) ? names[name as keyof Names] : undefined;
}

function valueOf(limits: object, names: Readonly<Record<string, string>>): JsonObject {
  const entries = Object.entries(names)
    .map(([name, own]) => [name, (limits as Record<string, JsonValue | undefined>)[own]] as const)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as JsonObject;
}
