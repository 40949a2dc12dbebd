import type { CryptoKey, JWSHeaderParameters } from "jose";
import type { Clock } from "../amqp/clock.ts";
import { remoteKeys } from "./remote_keys.ts";

/** After a failure nobody asks again for so long: each token would. */
const COOL_DOWN_MS = 30_000;
const TIMEOUT_MS = 5000;
/** Where OpenID Connect Discovery 1.0 has it, below the issuer. */
const WELL_KNOWN = "/.well-known/openid-configuration";

type KeySet = (header: JWSHeaderParameters) => Promise<CryptoKey>;

/**
 * The keys of an issuer, whose configuration tells where they are. It is asked when the first token
 * comes, and again after a while when that failed.
 *
 * @param issuer Its address.
 * @param clock Time.
 */
export function discoveredKeys(issuer: URL, clock: Clock): KeySet {
  let found: Promise<KeySet> | undefined;
  let askAgainAt = Infinity;
  return async (header) => {
    if (clock.now() >= askAgainAt) found = undefined;
    if (found === undefined) {
      askAgainAt = Infinity;
      found = discover(issuer, clock);
      found.catch(() => askAgainAt = clock.now() + COOL_DOWN_MS);
    }
    return (await found)(header);
  };
}

async function discover(issuer: URL, clock: Clock): Promise<KeySet> {
  const address = issuer.href.replace(/\/$/, "") + WELL_KNOWN;
  const response = await fetch(address, {
    headers: { accept: "application/json" },
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`the issuer answers ${response.status} when it is asked for its configuration`);
  }
  const configuration: unknown = await response.json();
  const { issuer: named, jwks_uri: uri } = Object(configuration) as Record<string, unknown>;
  // whoever answers in the name of somebody else must not
  if (typeof named !== "string" || URL.parse(named)?.href !== issuer.href) {
    throw new Error("what the issuer says of itself is of another one");
  }
  const keys = typeof uri === "string" ? URL.parse(uri) : null;
  if (keys === null) throw new Error("the issuer does not say where its keys are");
  return remoteKeys(safeAddress(keys), clock);
}

/**
 * Checks an address that keys come from: whoever can change what it answers can make tokens.
 *
 * @throws {TypeError} When it is neither of https nor of this machine.
 */
export function safeAddress(address: string | URL): URL {
  const url = URL.parse(address);
  const isLocal = url?.protocol === "http:" &&
    /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  if (url !== null && (url.protocol === "https:" || isLocal)) return url;
  throw new TypeError(`Cannot trust keys of '${address}': it takes https, or http on this machine`);
}
