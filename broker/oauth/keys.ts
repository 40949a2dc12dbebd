import {
  createLocalJWKSet,
  createRemoteJWKSet,
  type CryptoKey,
  errors,
  importSPKI,
  importX509,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from "jose";

/** Where the keys are that tokens are signed with. One of them is enough; they are looked at in this
 * order. */
export interface OAuth2Keys {
  /** Public keys or certificates in the form of PEM files, by their ids. */
  readonly pem?: Readonly<Record<string, string>>;
  /** A JSON Web Key Set (RFC 7517): public keys in the form of JSON. */
  readonly jwks?: { readonly keys: readonly object[] };
  /** An address of one. It is asked when a token names a key that is not known yet, at most each half
   * minute, and now and then. */
  readonly jwksUrl?: string | URL;
}

type Resolve = (header: JWSHeaderParameters) => Promise<CryptoKey>;

/**
 * Finds the key of a token by the id in its header.
 *
 * @param keys The keys.
 * @param defaultKeyId The id of those that name none. Default: the only key that there is.
 * @throws {TypeError} When there is no key at all, or a text is no key.
 */
export function keyFinder(
  { pem = {}, jwks, jwksUrl }: OAuth2Keys,
  defaultKeyId: string | undefined,
): Resolve {
  const ids = Object.keys(pem);
  for (const id of ids) {
    if (/-----BEGIN (PUBLIC KEY|CERTIFICATE)-----/.test(pem[id]!)) continue;
    throw new TypeError(`Cannot use key '${id}': it is neither a public key nor a certificate`);
  }
  if (ids.length === 0 && jwks === undefined && jwksUrl === undefined) {
    throw new TypeError("Cannot verify tokens: there are no keys");
  }
  const onlyPem = ids.length === 1 && jwks === undefined && jwksUrl === undefined;
  const sets = [
    ...jwks === undefined ? [] : [createLocalJWKSet(jwks as JSONWebKeySet)],
    ...jwksUrl === undefined ? [] : [createRemoteJWKSet(new URL(jwksUrl))],
  ];
  const imported = new Map<string, Promise<CryptoKey>>();
  return async (header) => {
    const kid = header.kid ?? defaultKeyId ?? (onlyPem ? ids[0] : undefined);
    if (kid !== undefined && Object.hasOwn(pem, kid)) {
      const { alg = "" } = header;
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

function importPem(pem: string, alg: string): Promise<CryptoKey> {
  return pem.includes("-----BEGIN CERTIFICATE-----") ? importX509(pem, alg) : importSPKI(pem, alg);
}
