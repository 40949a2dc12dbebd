import { createRemoteJWKSet, type CryptoKey, customFetch, type JWSHeaderParameters } from "jose";
import type { Clock } from "../amqp/clock.ts";

/** For so long the keys count without being asked for again. */
const FRESH_MS = 600_000;
/** After a failure nobody asks again for so long: each token would. */
const COOL_DOWN_MS = 30_000;

/**
 * The keys at an address. They are asked for when the first token comes, when one names a key that is not
 * among them, at most each half minute, and every ten minutes. When that fails, those that came last go on
 * counting: whoever has to ask could be kept from it, and nobody would come in.
 *
 * @param address Where they are, as a JSON Web Key Set.
 * @param clock Time.
 */
export function remoteKeys(
  address: URL,
  clock: Clock,
): (header: JWSHeaderParameters) => Promise<CryptoKey> {
  const remote = createRemoteJWKSet(address, { cacheMaxAge: Infinity, [customFetch]: ask });
  let askAgainAt = Infinity;
  const refresh = async () => {
    askAgainAt = clock.now() + COOL_DOWN_MS;
    try {
      await remote.reload();
      askAgainAt = clock.now() + FRESH_MS;
    } catch {
      // those that are known go on counting
    }
  };
  return async (header) => {
    if (remote.jwks() === undefined) askAgainAt = clock.now() + FRESH_MS;
    else if (clock.now() >= askAgainAt) await refresh();
    return await remote(header);
  };
}

/** What is no answer is not read either, and would keep its connection. */
async function ask(address: string, options: RequestInit): Promise<Response> {
  const response = await fetch(address, options);
  if (response.status !== 200) await response.body?.cancel();
  return response;
}
