import type { LoginResult, Session } from "../mod.ts";
import type { Call, Management } from "./context.ts";

/** RabbitMQ's; browsers show it. */
const CHALLENGE = { "www-authenticate": 'Basic realm="RabbitMQ Management"' };

/** Lets a request in by HTTP's basic authentication, or by a token (RFC 6750), which goes where a password
 * would. The result is a response when it is not. */
export async function logIn(
  call: Call,
  management: Management,
): Promise<Session | Response> {
  const credentials = readCredentials(call.req.header("authorization"));
  if (credentials === undefined) return new Response(null, { status: 401, headers: CHALLENGE });
  return await letIn(call, management, credentials);
}

/** Lets a request in that shows a name and a password. */
export async function letIn(
  call: Call,
  { broker, clock, attempts }: Management,
  credentials: { readonly name: string; readonly password: string },
): Promise<Session | Response> {
  const { peer } = call.env;
  const result: LoginResult = await broker.login({
    ...credentials,
    peerHostname: peer.hostname,
    peerPort: peer.port,
    get gone() {
      return peer.gone;
    },
  });
  attempts.asked("session" in result);
  if ("session" in result) return result.session;
  await new Promise<void>((resolve) => clock.after(result.refusedAfterMs, resolve));
  if (result.loopbackOnly) {
    const reason = "User can only log in via localhost";
    return Response.json({ error: "not_authorised", reason }, { status: 401 });
  }
  const body = { error: "not_authorized", reason: "Not_Authorized" };
  return Response.json(body, { status: 401, headers: CHALLENGE });
}

function readCredentials(
  header: string | undefined,
): { readonly name: string; readonly password: string } | undefined {
  const token = /^Bearer +([\w.~+/-]+=*) *$/i.exec(header ?? "")?.[1];
  // which says itself whose it is
  if (token !== undefined) return { name: "", password: token };
  const encoded = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  let text: string;
  try {
    text = new TextDecoder().decode(Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0)));
  } catch {
    return undefined;
  }
  const colon = text.indexOf(":");
  // zeros would end a name in SASL, through which all logins go
  if (colon < 0 || text.includes("\0")) return undefined;
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}
