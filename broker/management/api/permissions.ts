import type { JsonObject, UserPermissions } from "../../mod.ts";
import { requireAdministrator } from "../access.ts";
import { readObject, textsOf } from "../body.ts";
import type { Api, Call, Management } from "../context.ts";
import { badRequest, notFound } from "../errors.ts";
import { answer, answerList } from "../listing.ts";

/** What users may do: in vhosts, and with the routing keys of topic exchanges. */
export function permissionRoutes(api: Api, management: Management): void {
  const { broker } = management;
  const whose = (call: Call) => {
    const { vhost = "", user = "" } = call.req.param() as Record<string, string>;
    if (!broker.hasVhost(vhost) || !broker.hasUser(user)) throw notFound();
    return { vhost, user };
  };
  /** The same for something that is set. */
  const forWhom = (call: Call) => {
    const { vhost = "", user = "" } = call.req.param() as Record<string, string>;
    if (!broker.hasVhost(vhost) || !broker.hasUser(user)) {
      throw badRequest("vhost_or_user_not_found");
    }
    return { vhost, user };
  };

  api.get("/api/permissions", (call) => {
    requireAdministrator(call);
    return answerList(call, {
      rows: broker.permissions(),
      key: byVhost,
      describe: describePermissions,
    });
  });

  api.get("/api/permissions/:vhost/:user", (call) => {
    requireAdministrator(call);
    const [found] = broker.permissions(whose(call));
    if (found === undefined) throw notFound();
    return answer(call, describePermissions(found));
  });

  api.put("/api/permissions/:vhost/:user", async (call) => {
    requireAdministrator(call);
    const body = await readObject(call);
    const { configure, write, read } = textsOf(body, "configure", "write", "read");
    const { vhost, user } = forWhom(call);
    const [before] = broker.permissions({ vhost, user });
    await broker.setPermissions({ vhost, user, configure, write, read });
    return call.body(null, before === undefined ? 201 : 204);
  });

  api.delete("/api/permissions/:vhost/:user", async (call) => {
    requireAdministrator(call);
    const { vhost, user } = whose(call);
    if (broker.permissions({ vhost, user }).length === 0) throw notFound();
    await broker.clearPermissions(user, { vhost });
    return call.body(null, 204);
  });

  // ---- topics

  const describe = (entry: object) => ({ ...entry }) as JsonObject;
  const path = "/api/topic-permissions/:vhost/:user";

  api.get("/api/topic-permissions", (call) => {
    requireAdministrator(call);
    return answerList(call, { rows: broker.topicPermissions(), key: byVhost, describe });
  });

  api.get(path, (call) => {
    requireAdministrator(call);
    const rows = broker.topicPermissions(whose(call));
    if (rows.length === 0) throw notFound();
    return answerList(call, { rows, key: byVhost, describe, paged: false });
  });

  api.get(`${path}/:exchange`, (call) => {
    requireAdministrator(call);
    const found = broker.topicPermissions(whose(call))
      .find(({ exchange }) => exchange === call.req.param("exchange"));
    if (found === undefined) throw notFound();
    return answer(call, describe(found));
  });

  // RabbitMQ has both, and looks at the exchange that the body names
  api.on("PUT", [path, `${path}/:exchange`], async (call) => {
    requireAdministrator(call);
    const body = await readObject(call);
    const { exchange, write, read } = textsOf(body, "exchange", "write", "read");
    const { vhost, user } = forWhom(call);
    // whichever exchange they were for, as there
    const before = broker.topicPermissions({ vhost, user }).length > 0;
    await broker.setTopicPermissions({ vhost, user, exchange, write, read });
    return call.body(null, before ? 204 : 201);
  });

  for (const [at, one] of [[path, false], [`${path}/:exchange`, true]] as const) {
    api.delete(at, async (call) => {
      requireAdministrator(call);
      const { vhost, user } = whose(call);
      const exchange = one ? call.req.param("exchange") : undefined;
      const found = broker.topicPermissions({ vhost, user })
        .some((entry) => exchange === undefined || entry.exchange === exchange);
      if (!found) throw notFound();
      await broker.clearTopicPermissions(user, {
        vhost,
        ...exchange === undefined ? {} : { exchange },
      });
      return call.body(null, 204);
    });
  }
}

/** RabbitMQ's order of permissions, and of those of topics. */
export function byVhost(
  { vhost, user, exchange = "" }: {
    readonly vhost: string;
    readonly user: string;
    readonly exchange?: string;
  },
): string {
  return [vhost, user, exchange].join("\0");
}

/** What is told of permissions. */
export function describePermissions(entry: UserPermissions): JsonObject {
  const { user, vhost, configure, write, read } = entry;
  return { user, vhost, configure, write, read };
}
