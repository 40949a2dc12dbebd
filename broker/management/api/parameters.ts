import type { JsonObject, Parameter } from "../../mod.ts";
import { policyVhostOf, requirePolicymaker, seesVhost } from "../access.ts";
import { readObject, required } from "../body.ts";
import type { Api, Call, Management } from "../context.ts";
import { badRequest, notFound } from "../errors.ts";
import { answer, answerList } from "../listing.ts";

/** What is told something by parameters here. Others are of RabbitMQ's plugins: a file of definitions brings
 * theirs, and they are kept for whoever takes the file on, but to take a single one would promise a shovel. */
const COMPONENTS: readonly string[] = ["policy", "operator_policy", "vhost-limits"];

/** Runtime parameters, of vhosts and of all: what there is, setting and deleting. */
export function parameterRoutes(api: Api, { broker }: Management): void {
  const list = (call: Call, where: { readonly component?: string; readonly vhost?: string }) => {
    requirePolicymaker(call);
    const sees = seesVhost(call);
    const rows = broker.parameters(where).filter(({ vhost }) => sees(vhost));
    return answerList(call, {
      rows,
      key: ({ vhost, name, component }) => [vhost, name, component].join("\0"),
      describe: describeParameter,
    });
  };
  const find = (component: string, vhost: string, name: string) =>
    broker.parameters({ component, vhost }).find((parameter) => parameter.name === name);

  api.get("/api/parameters", (call) => list(call, {}));
  api.get(
    "/api/parameters/:component",
    (call) => list(call, { component: call.req.param("component") }),
  );
  api.get("/api/parameters/:component/:vhost", (call) => {
    const vhost = policyVhostOf(call, broker);
    return list(call, { component: call.req.param("component"), vhost });
  });

  const path = "/api/parameters/:component/:vhost/:name";
  api.get(path, (call) => {
    const vhost = policyVhostOf(call, broker);
    const { component, name } = call.req.param();
    const found = find(component, vhost, name);
    if (found === undefined) throw notFound();
    return answer(call, describeParameter(found));
  });
  api.put(path, async (call) => {
    const vhost = policyVhostOf(call, broker, true);
    const { component, name } = call.req.param();
    const [value] = required(await readObject(call), "value");
    if (!COMPONENTS.includes(component)) {
      throw badRequest(`Validation failed\n\ncomponent ${component} not found\n`);
    }
    const before = find(component, vhost, name);
    await broker.setParameter({ component, vhost, name, value: value! });
    return call.body(null, before === undefined ? 201 : 204);
  });
  api.delete(path, async (call) => {
    const vhost = policyVhostOf(call, broker);
    const { component, name } = call.req.param();
    if (find(component, vhost, name) === undefined) throw notFound();
    await broker.deleteParameter({ component, vhost, name });
    return call.body(null, 204);
  });

  // ---- those of no vhost

  const findGlobal = (name: string) => broker.globalParameters().find((one) => one.name === name);

  api.get("/api/global-parameters", (call) => {
    requirePolicymaker(call);
    const describe = ({ name, value }: ReturnType<typeof broker.globalParameters>[number]) =>
      ({ name, value }) as JsonObject;
    return answerList(call, {
      rows: broker.globalParameters(),
      key: ({ name }) => name,
      describe,
    });
  });
  api.get("/api/global-parameters/:name", (call) => {
    requirePolicymaker(call);
    const found = findGlobal(call.req.param("name"));
    if (found === undefined) throw notFound();
    return answer(call, { name: found.name, value: found.value });
  });
  api.put("/api/global-parameters/:name", async (call) => {
    requirePolicymaker(call);
    const name = call.req.param("name");
    const [value] = required(await readObject(call), "value");
    const before = findGlobal(name);
    await broker.setGlobalParameter(name, value!);
    return call.body(null, before === undefined ? 201 : 204);
  });
  api.delete("/api/global-parameters/:name", async (call) => {
    requirePolicymaker(call);
    const name = call.req.param("name");
    if (findGlobal(name) === undefined) throw notFound();
    await broker.deleteGlobalParameter(name);
    return call.body(null, 204);
  });
}

function describeParameter({ component, vhost, name, value }: Parameter): JsonObject {
  return { component, vhost, name, value };
}
