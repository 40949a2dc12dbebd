import {
  base64url,
  createLocalJWKSet,
  type CryptoKey,
  errors,
  importSPKI,
  importX509,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from "jose";
import type { Clock } from "../amqp/clock.ts";
import { discoveredKeys, safeAddress } from "./discovery.ts";
import { remoteKeys } from "./remote_keys.ts";

/** Where the keys are that tokens are signed with. One of them is enough; they are looked at in this
 * order. */
export interface OAuth2Keys {
  /** Public keys or certificates in the form of PEM files, by their ids. */
  readonly pem?: Readonly<Record<string, string>>;
  /** A JSON Web Key Set (RFC 7517): keys in the form of JSON. Those with `"kty": "oct"` are secrets that
   * this broker shares with who gives out tokens (HS256 and its kin); they need an id. */
  readonly jwks?: { readonly keys: readonly object[] };
  /** An address of one. It is asked when a token names a key that is not known yet, at most each half
   * minute, and now and then. */
  readonly jwksUrl?: string | URL;
  /** Who gives out tokens, as an address: its configuration (`/.well-known/openid-configuration`) says
   * where its keys are. RabbitMQ's `auth_oauth2.issuer`. */
  readonly issuer?: string | URL;
}

type Resolve = (header: JWSHeaderParameters) => Promise<CryptoKey | Uint8Array>;

/** Algorithms with a secret. */
const SYMMETRIC = /^HS(256|384|512)$/;
/** Octets of a secret: RFC 7518 wants as many as the hash has. */
const SECRET_MIN = 32;

/**
 * Finds the key of a token by the id in its header.
 *
 * @param keys The keys.
 * @param defaultKeyId The id of those that name none. Default: the only key that there is.
 * @param clock Time.
 * @throws {TypeError} When there is no key at all, or something is none.
 */
export function keyFinder(
  { pem = {}, jwks, jwksUrl, issuer }: OAuth2Keys,
  defaultKeyId: string | undefined,
  clock: Clock,
): Resolve {
  const ids = Object.keys(pem);
  for (const id of ids) {
    if (/-----BEGIN (PUBLIC KEY|CERTIFICATE)-----/.test(pem[id]!)) continue;
    throw new TypeError(`Cannot use key '${id}': it is neither a public key nor a certificate`);
  }
  if (ids.length === 0 && (jwks ?? jwksUrl ?? issuer) === undefined) {
    throw new TypeError("Cannot verify tokens: there are no keys");
  }
  const secrets = secretsOf(jwks?.keys ?? []);
  const publicKeys = jwks?.keys.filter((key) => !isSecret(key)) ?? [];
  const sets = [
    ...publicKeys.length === 0 ? [] : [createLocalJWKSet({ keys: publicKeys } as JSONWebKeySet)],
    ...jwksUrl === undefined ? [] : [remoteKeys(safeAddress(jwksUrl), clock)],
    ...issuer === undefined ? [] : [discoveredKeys(safeAddress(issuer), clock)],
  ];
  const only = sets.length === 0 && ids.length + secrets.size === 1
    ? ids[0] ?? secrets.keys().next().value
    : undefined;
  const imported = new Map<string, Promise<CryptoKey>>();
  return async (header) => {
    const kid = header.kid ?? defaultKeyId ?? only;
    const { alg = "" } = header;
    if (SYMMETRIC.test(alg)) {
      // never a public key: everybody has those
      const secret = kid === undefined ? undefined : secrets.get(kid);
      if (secret === undefined) throw new errors.JWKSNoMatchingKey();
      return secret;
    }
    if (kid !== undefined && Object.hasOwn(pem, kid)) {
      // a token says by which algorithm; a key of another kind is refused by this
      const name = `${alg} ${kid}`;
      const known = imported.get(name);
      if (known !== undefined) return await known;
      const key = importPem(pem[kid]!, alg);
      const result = await key;
      imported.set(name, key);
      return result;
    }
    const named = kid === undefined ? header : { ...header, kid };
    for (const set of sets) {
      try {
        return await set(named);
      } catch (cause) {
        if (!(cause instanceof errors.JWKSNoMatchingKey) || set === sets.at(-1)) throw cause;
      }
    }
    throw new errors.JWKSNoMatchingKey();
  };
}

function isSecret(key: object): key is { readonly kid?: unknown; readonly k?: unknown } {
  return "kty" in key && key.kty === "oct";
}

function secretsOf(keys: readonly object[]): ReadonlyMap<string, Uint8Array> {
  const secrets = new Map<string, Uint8Array>();
  for (const key of keys) {
    if (!isSecret(key)) continue;
    const { kid, k } = key;
    if (typeof kid !== "string") throw new TypeError("Cannot use a secret: it has no kid");
    if (typeof k !== "string" || !/^[\w-]+$/.test(k)) {
      throw new TypeError(`Cannot use secret '${kid}': its k is no base64url`);
    }
    const secret = base64url.decode(k);
    if (secret.length < SECRET_MIN) {
      throw new TypeError(`Cannot use secret '${kid}': it has fewer than ${SECRET_MIN} octets`);
    }
    secrets.set(kid, secret);
  }
  return secrets;
}

function importPem(pem: string, alg: string): Promise<CryptoKey> {
  return pem.includes("-----BEGIN CERTIFICATE-----") ? importX509(pem, alg) : importSPKI(pem, alg);
}
