import type { JsonValue, LogLevel } from "../../mod.ts";
import { requireAdministrator } from "../access.ts";
import { readObject, required } from "../body.ts";
import type { Api, Call, ManagedProgram, Management } from "../context.ts";
import { badRequest, HttpError, notFound } from "../errors.ts";

/** What a program may log from on. */
const LEVELS: readonly JsonValue[] = ["debug", "info", "warning", "error", "none"];

/**
 * Stopping and starting: what rabbitmqctl does in the node itself, and RabbitMQ's API has no paths for.
 */
export function nodeControlRoutes(api: Api, { broker, program }: Management): void {
  const requireNode = (call: Call) => {
    requireAdministrator(call);
    if (call.req.param("node") !== broker.node().name) throw notFound();
  };

  api.put("/api/nodes/:node/serving", async (call) => {
    requireNode(call);
    const serve = await readFlag(call);
    await listening(serve ? broker.startServing() : broker.stopServing());
    return call.body(null, 204);
  });

  api.put("/api/nodes/:node/listening", async (call) => {
    requireNode(call);
    const listen = await readFlag(call);
    await listening(listen ? broker.resumeListeners() : broker.suspendListeners());
    return call.body(null, 204);
  });

  api.put("/api/nodes/:node/log-level", async (call) => {
    requireNode(call);
    const [level] = required(await readObject(call), "value");
    if (!LEVELS.includes(level!)) throw badRequest(`level ${level} is not supported`);
    allowed(program).setLogLevel(level as LogLevel | "none");
    return call.body(null, 204);
  });

  api.post("/api/nodes/:node/reset", async (call) => {
    requireNode(call);
    if (broker.serving) throw conflict("the broker has to be stopped first");
    await broker.reset();
    try {
      await program?.furnish?.();
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      const text = `it is reset, and is not what it begins with: ${cause.message}`;
      throw new HttpError(500, "internal_server_error", text);
    }
    return call.body(null, 204);
  });

  api.post("/api/nodes/:node/shutdown", (call) => {
    requireNode(call);
    const managed = allowed(program);
    const { user } = call.var.session;
    const shutDown = () => managed.shutDown(user);
    const { gone } = call.env.peer;
    // whoever asked is to hear that it is done
    if (gone === undefined) queueMicrotask(shutDown);
    else if (gone.aborted) shutDown();
    else gone.addEventListener("abort", shutDown, { once: true });
    return call.body(null, 204);
  });
}

async function readFlag(call: Call): Promise<boolean> {
  const [value] = required(await readObject(call), "value");
  if (typeof value !== "boolean") throw badRequest("value has to be true or false");
  return value;
}

/** @throws {HttpError} 409 when an address cannot be listened on any more. */
async function listening(doing: Promise<void>): Promise<void> {
  try {
    await doing;
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name !== "AddrInUse") throw cause;
    throw conflict(cause.message);
  }
}

function conflict(reason: string): HttpError {
  return new HttpError(409, "conflict", reason);
}

/** @throws {HttpError} 501 when the program wants none of that. */
function allowed(program: ManagedProgram | undefined): ManagedProgram {
  if (program !== undefined) return program;
  throw new HttpError(501, "not_implemented", "the program of this broker does not let anybody");
}
