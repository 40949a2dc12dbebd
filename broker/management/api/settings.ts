import type { JsonObject, JsonValue } from "../../mod.ts";
import { requireAdministrator } from "../access.ts";
import { readObject, required } from "../body.ts";
import type { Api, Call, Management } from "../context.ts";
import { badRequest, notFound } from "../errors.ts";
import { requireUnprotected } from "../protected_users.ts";

/**
 * What operators set while a broker runs, and what rabbitmqctl asks that RabbitMQ's API has no path
 * for: there the tool talks to the node itself.
 */
export function settingRoutes(api: Api, { broker, runtime }: Management): void {
  const requireNode = (call: Call) => {
    requireAdministrator(call);
    if (call.req.param("node") !== broker.node().name) throw notFound();
  };

  // a fraction of the memory that there is, or { "absolute": bytes }
  api.put("/api/nodes/:node/memory-high-watermark", async (call) => {
    requireNode(call);
    const [value] = required(await readObject(call), "value");
    const absolute = fieldOf(value, "absolute");
    if (absolute !== undefined && absolute <= 1) {
      throw badRequest("an absolute watermark is a number of bytes");
    }
    if (absolute === undefined && !(typeof value === "number" && value <= 1)) {
      throw badRequest("the threshold should be a fraction between 0.0 and 1.0");
    }
    set(() => broker.setMemoryHighWatermark(absolute ?? value as number));
    return call.body(null, 204);
  });

  // bytes, or { "memory": how many times the memory of the machine }
  api.put("/api/nodes/:node/disk-free-limit", async (call) => {
    requireNode(call);
    const [value] = required(await readObject(call), "value");
    const times = fieldOf(value, "memory");
    if (times === undefined && typeof value !== "number") {
      throw badRequest("the limit is a number of bytes");
    }
    const memory = times === undefined ? 0 : runtime.memory();
    if (memory === undefined) {
      throw badRequest("the broker may not ask how much memory there is");
    }
    const bytes = times === undefined ? value as number : Math.round(times * memory);
    set(() => broker.setDiskFreeLimit(bytes));
    return call.body(null, 204);
  });

  // beside a password that is hashed in a way that no definition of RabbitMQ's can say
  api.put("/api/users/:user/tags", async (call) => {
    requireAdministrator(call);
    const user = call.req.param("user");
    if (!broker.hasUser(user)) throw notFound();
    requireUnprotected(call, broker, user);
    const [tags] = required(await readObject(call), "tags");
    await broker.setUserTags(user, tagsOf(tags));
    return call.body(null, 204);
  });

  // without a login of that user: whoever asks may be somewhere that the user may not come from
  api.post("/api/users/:user/authenticate", async (call) => {
    requireAdministrator(call);
    const user = call.req.param("user");
    if (!broker.hasUser(user)) throw notFound();
    const [password] = required(await readObject(call), "password");
    const authenticated = await broker.authenticateUser(user, String(password));
    return call.json({ authenticated });
  });
}

/** A list, or one text with commas: RabbitMQ takes both where a user is set. */
function tagsOf(tags: JsonValue | undefined): string[] {
  if (typeof tags === "string") return tags.split(",").map((tag) => tag.trim()).filter(Boolean);
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === "string")) return tags as string[];
  throw badRequest("tags have to be a list of texts, or one text with commas");
}

function fieldOf(value: JsonValue | undefined, name: string): number | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const field = (value as JsonObject)[name];
  return typeof field === "number" ? field : undefined;
}

function set(setting: () => void): void {
  try {
    setting();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw badRequest(error.message);
  }
}
