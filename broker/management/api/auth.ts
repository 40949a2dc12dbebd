import type { JsonObject } from "../../mod.ts";
import { mayManage, requireAdministrator, requireMonitor } from "../access.ts";
import { readBytes } from "../body.ts";
import type { Api, Call, Management } from "../context.ts";
import { HttpError, notAuthorised, notFound } from "../errors.ts";
import { letIn } from "../login.ts";
import { hashRabbitmqPassword } from "../password_hash.ts";

/** Anybody may send this: a name and a password, or a token, written as a form. */
const LOGIN_MAX = 64 * 1024;

/** Logins: as a form, how many there were, and what a password would be kept as. */
export function authRoutes(api: Api, management: Management): void {
  // what a page asks before anybody has logged in
  api.get("/api/auth", (call) => call.json({ oauth_enabled: false, enable_uaa: false }));

  // RabbitMQ also gives a cookie with the password in it, which nothing here would take
  api.post("/api/login", async (call) => {
    const type = call.req.header("content-type") ?? "";
    if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) {
      throw new HttpError(415, "bad_request", "a login is application/x-www-form-urlencoded");
    }
    const form = new URLSearchParams(new TextDecoder().decode(await readBytes(call, LOGIN_MAX)));
    const name = form.get("username") ?? "";
    const session = await letIn(call, management, { name, password: form.get("password") ?? "" });
    if (session instanceof Response) return session;
    if (!mayManage(session)) throw notAuthorised("Not management user");
    return call.json("ok");
  });
  // every request shows by itself who it is from
  api.delete("/api/login", (call) => call.body(null, 204));

  const requireNode = (call: Call) => {
    requireMonitor(call);
    if (call.req.param("node") !== management.node) throw notFound();
  };
  const attempts = "/api/auth/attempts/:node";
  api.get(attempts, (call) => {
    requireNode(call);
    return call.json(management.attempts.byProtocol.map(([protocol, { succeeded, failed }]) => ({
      protocol,
      auth_attempts: succeeded + failed,
      auth_attempts_failed: failed,
      auth_attempts_succeeded: succeeded,
    } satisfies JsonObject)));
  });
  // there only with track_auth_attempt_source, which fills the memory with addresses
  api.get(`${attempts}/source`, (call) => {
    requireNode(call);
    return call.json([]);
  });
  for (const path of [attempts, `${attempts}/source`]) {
    api.delete(path, (call) => {
      requireAdministrator(call);
      requireNode(call);
      management.attempts.reset();
      return call.body(null, 204);
    });
  }

  api.get("/api/auth/hash_password/:password", async (call) => {
    requireAdministrator(call);
    return call.json({ ok: await hashRabbitmqPassword(call.req.param("password")) });
  });
}
