import type { JsonObject, Policy, PolicyOptions } from "../../mod.ts";
import { policyVhostOf, requireAdministrator, seesVhost, vhostOf } from "../access.ts";
import { integerOf, isObject, readObject, required, textOf } from "../body.ts";
import type { Api, Call, Management } from "../context.ts";
import { badRequest, notFound } from "../errors.ts";
import { answer, answerList } from "../listing.ts";

/** One of the two kinds of policies. */
interface Kind {
  readonly list: (where: { readonly vhost?: string }) => Policy[];
  readonly set: (policy: PolicyOptions) => Promise<void>;
  readonly delete: (name: string, where: { readonly vhost: string }) => Promise<void>;
  /**
   * The vhost that a path names.
   *
   * @throws {HttpError} 401 when who is asking may not ask for one in it, nor change it. Lists are for all.
   */
  readonly vhostOf: (call: Call, changing?: boolean) => string;
}

/** Policies of users and of operators: what there is, setting and deleting. */
export function policyRoutes(api: Api, { broker }: Management): void {
  const kinds: Readonly<Record<string, Kind>> = {
    policies: {
      list: (where) => broker.policies(where),
      set: (policy) => broker.setPolicy(policy),
      delete: (name, where) => broker.deletePolicy(name, where),
      vhostOf: (call, changing) => policyVhostOf(call, broker, changing),
    },
    "operator-policies": {
      list: (where) => broker.operatorPolicies(where),
      set: (policy) => broker.setOperatorPolicy(policy),
      delete: (name, where) => broker.deleteOperatorPolicy(name, where),
      vhostOf(call, changing) {
        requireAdministrator(call);
        return vhostOf(call, broker, changing);
      },
    },
  };
  for (const [path, kind] of Object.entries(kinds)) {
    const find = (vhost: string, name: string) =>
      kind.list({ vhost }).find((policy) => policy.name === name);

    api.get(`/api/${path}`, (call) => {
      const sees = seesVhost(call);
      const rows = kind.list({}).filter(({ vhost }) => sees(vhost));
      return answerList(call, { rows, key: byPriority, describe: describePolicy });
    });
    api.get(`/api/${path}/:vhost`, (call) => {
      const rows = kind.list({ vhost: vhostOf(call, broker) });
      return answerList(call, { rows, key: byPriority, describe: describePolicy });
    });
    api.get(`/api/${path}/:vhost/:name`, (call) => {
      const found = find(kind.vhostOf(call), call.req.param("name") ?? "");
      if (found === undefined) throw notFound();
      return answer(call, describePolicy(found));
    });

    api.put(`/api/${path}/:vhost/:name`, async (call) => {
      const vhost = kind.vhostOf(call, true);
      const name = call.req.param("name") ?? "";
      const policy = readPolicy(await readObject(call));
      const before = find(vhost, name);
      await kind.set({ ...policy, vhost, name });
      return call.body(null, before === undefined ? 201 : 204);
    });
    api.delete(`/api/${path}/:vhost/:name`, async (call) => {
      const vhost = kind.vhostOf(call);
      const name = call.req.param("name") ?? "";
      if (find(vhost, name) === undefined) throw notFound();
      await kind.delete(name, { vhost });
      return call.body(null, 204);
    });
  }
}

function readPolicy(body: JsonObject): Omit<PolicyOptions, "name" | "vhost"> {
  required(body, "pattern", "definition");
  const { definition, priority, "apply-to": applyTo } = body;
  if (!isObject(definition)) throw badRequest("definition has to be an object");
  return {
    pattern: textOf(body, "pattern"),
    definition,
    ...priority === undefined ? {} : { priority: integerOf(priority) },
    // whatever it is: one that is none must not stand for all there is
    ...applyTo === undefined ? {} : { applyTo: applyTo as NonNullable<PolicyOptions["applyTo"]> },
  };
}

/** RabbitMQ's order: the lowest priority first. */
function byPriority({ vhost, name, priority }: Policy): string {
  // of negative ones, how far they are above the lowest: a sum with it would not be exact
  const isNegative = priority < 0;
  const size = isNegative ? priority + Number.MAX_SAFE_INTEGER : priority;
  return [isNegative ? 0 : 1, size.toFixed(3).padStart(21, "0"), vhost, name].join("\0");
}

function describePolicy(
  { vhost, name, pattern, applyTo, definition, priority }: Policy,
): JsonObject {
  return { vhost, name, pattern, "apply-to": applyTo, definition, priority };
}
