import { Hono } from "hono";
import { mayManage } from "./access.ts";
import { authRoutes } from "./api/auth.ts";
import { backlogRoutes } from "./api/backlog.ts";
import { bindingRoutes } from "./api/bindings.ts";
import { channelRoutes } from "./api/channels.ts";
import { connectionRoutes } from "./api/connections.ts";
import { consumerRoutes } from "./api/consumers.ts";
import { definitionRoutes } from "./api/definitions.ts";
import { exchangeRoutes } from "./api/exchanges.ts";
import { featureRoutes } from "./api/features.ts";
import { healthRoutes } from "./api/health.ts";
import { listenerHealthRoutes } from "./api/listener_health.ts";
import { limitRoutes } from "./api/limits.ts";
import { messageRoutes } from "./api/messages.ts";
import { nodeControlRoutes } from "./api/node_control.ts";
import { nodeRoutes } from "./api/nodes.ts";
import { overviewRoutes } from "./api/overview.ts";
import { parameterRoutes } from "./api/parameters.ts";
import { permissionRoutes } from "./api/permissions.ts";
import { policyRoutes } from "./api/policies.ts";
import { queueRoutes } from "./api/queues.ts";
import { settingRoutes } from "./api/settings.ts";
import { userRoutes } from "./api/users.ts";
import { vhostRoutes } from "./api/vhosts.ts";
import { AllowedMethods } from "./allowed_methods.ts";
import { Turns } from "../auth/turns.ts";
import type { Api, Call, Env, Management } from "./context.ts";
import { dashboardRoutes } from "./dashboard/routes.ts";
import { badRequest, HttpError, notAuthorised, notFound, toHttpError } from "./errors.ts";
import { logIn } from "./login.ts";
import { metricRoutes } from "./metrics.ts";
import { isForeign, SAFE_HEADERS } from "./safety.ts";

const PARTS: readonly ((api: Api, management: Management) => void)[] = [
  authRoutes,
  overviewRoutes,
  nodeRoutes,
  connectionRoutes,
  channelRoutes,
  consumerRoutes,
  exchangeRoutes,
  // before queues: a queue may be called get
  messageRoutes,
  backlogRoutes,
  queueRoutes,
  bindingRoutes,
  vhostRoutes,
  userRoutes,
  permissionRoutes,
  policyRoutes,
  parameterRoutes,
  limitRoutes,
  definitionRoutes,
  healthRoutes,
  listenerHealthRoutes,
  featureRoutes,
  settingRoutes,
  nodeControlRoutes,
];

/** What is asked before anybody has logged in, or in order to. */
const OPEN: readonly string[] = ["/api/auth", "/api/login"];

/** And what is answered while the broker is stopped, besides what starts it. */
const WHILE_STOPPED =
  /^\/api\/(?:whoami|overview|nodes(?:\/.*)?|health\/checks\/(?:is-in-service|ready-to-serve-clients))$/;

/** So many lists are on their way at once: what is in a long one is held until it has been sent. */
const LISTS = 16;
/** And so many of one user, as many of whose may wait as there can be connections, and so long. */
const LISTS_OF_USER = 4;
const LISTS_WAITING = 1024;
const LISTS_WAIT_MS = 60_000;
/** So many large bodies are in memory at once, and so many of one user. */
const BODIES = 8;
const BODIES_OF_USER = 2;

/** Makes the HTTP API: `request` or `fetch` of it answers. */
export function createApi(management: Management): Api {
  const api = new Hono<Env>({ strict: false });
  const methods = new AllowedMethods(api);
  const lists = new Turns({
    atOnce: LISTS,
    atOnceOf: () => LISTS_OF_USER,
    waitingMax: LISTS_WAITING,
    waitMaxMs: LISTS_WAIT_MS,
    clock: management.clock,
  });
  const bodies = new Turns({
    atOnce: BODIES,
    atOnceOf: () => BODIES_OF_USER,
    waitingMax: LISTS_WAITING,
    waitMaxMs: LISTS_WAIT_MS,
    clock: management.clock,
  });
  api.use(async (call, next) => {
    await next();
    const { allowed } = call.var;
    if (allowed !== undefined) call.res.headers.set("allow", allowed.join(", "));
    for (const [name, value] of SAFE_HEADERS) {
      // the page says by itself what it may do
      if (!call.res.headers.has(name)) call.res.headers.set(name, value);
    }
  });
  api.use("/api/*", (call, next) => {
    call.set("lists", lists);
    return enter(call, () => withBody(call, next, bodies), methods, management);
  });
  for (const part of PARTS) part(api, management);
  metricRoutes(api, management);
  dashboardRoutes(api);
  api.notFound((call) => send(call, notFound()));
  api.onError((cause, call) => {
    const error = toHttpError(cause);
    if (error !== undefined) return send(call, error);
    // its client went, or was given up, in the middle of its body: nobody reads the answer
    if (isAborted(cause)) return send(call, new HttpError(400, "bad_request", "it ended too soon"));
    management.logger.log("error", `internal error: ${cause.stack ?? cause}`);
    const reason = "internal error: see the log";
    return send(call, new HttpError(500, "internal_server_error", reason));
  });
  return api;
}

/** True for what `node:http` says of a request whose rest will not come. */
function isAborted(cause: Error & { readonly code?: unknown }): boolean {
  return cause.code === "ECONNRESET" && cause.message === "aborted";
}

/** All that comes before a request is looked at more closely. */
async function enter(
  call: Call,
  next: () => Promise<void>,
  methods: AllowedMethods,
  management: Management,
): Promise<Response | void> {
  const { method, path } = call.req;
  if (!isWellFormed(call.req.raw.url)) throw badRequest("malformed URL");
  const allowed = methods.of(path);
  if (allowed.length > 0) {
    call.set("allowed", allowed);
    if (method === "OPTIONS") return call.body(null, 200);
    if (!allowed.includes(method)) return call.body(null, 405);
  }
  if (isForeign(call.req.raw)) {
    throw new HttpError(403, "forbidden", "the request comes from another site");
  }
  if (OPEN.includes(path)) return await next();
  const session = await logIn(call, management);
  if (session instanceof Response) return session;
  if (!mayManage(session)) throw notAuthorised("Not management user");
  call.set("session", session);
  if (!management.broker.serving && !WHILE_STOPPED.test(path)) {
    throw new HttpError(503, "service_unavailable", "the broker is stopped");
  }
  if (method === "GET" || method === "HEAD") return await next();
  await management.broker.attributeTo(session.user, next);
}

/** False for half an escape, and for octets that are not UTF-8: a name with those would be taken as it is
 * written, and be another one from then on. */
function isWellFormed(url: string): boolean {
  try {
    decodeURIComponent(url);
    return true;
  } catch {
    return false;
  }
}

/** Has a large body wait for its turn, which is over when the request is answered. */
async function withBody(call: Call, next: () => Promise<void>, bodies: Turns): Promise<void> {
  const answered = Promise.withResolvers<void>();
  call.set("beginLargeBody", () => {
    const begun = Promise.withResolvers<boolean>();
    let isBegun = false;
    const work = () => {
      isBegun = true;
      begun.resolve(true);
      return answered.promise;
    };
    const { user } = call.var.session;
    void bodies.take(user, work, call.env.peer.gone).then(() => begun.resolve(false));
    return isBegun ? undefined : begun.promise.then((inTime) => {
      if (inTime) return;
      const reason = `user '${user}' has sent too much at once`;
      throw new HttpError(429, "too_many_requests", reason);
    });
  });
  try {
    await next();
  } finally {
    answered.resolve();
  }
}

function send(_call: Call, { status, error, reason }: HttpError): Response {
  return Response.json({ error, reason }, { status });
}
