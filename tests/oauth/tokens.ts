import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from "jose";

/** Somebody who gives out tokens. */
export class Issuer {
  readonly #key: CryptoKey;
  readonly #kid: string;
  /** The public key, as PEM. */
  readonly pem: string;
  /** The public key, as a JSON Web Key. */
  readonly jwk: JWK;

  private constructor(key: CryptoKey, kid: string, pem: string, jwk: JWK) {
    this.#key = key;
    this.#kid = kid;
    this.pem = pem;
    this.jwk = jwk;
  }

  static async make(kid = "one"): Promise<Issuer> {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = { ...await exportJWK(publicKey), kid, alg: "ES256", use: "sig" };
    return new Issuer(privateKey, kid, await exportSPKI(publicKey), jwk);
  }

  /** Signs a token. What is not given is for `rabbitmq`, of `alice`, and expires in an hour. */
  async token(
    claims: Readonly<Record<string, unknown>> = {},
    header: { readonly kid?: string | undefined } = { kid: this.#kid },
  ): Promise<string> {
    const all: Record<string, unknown> = {
      aud: "rabbitmq",
      sub: "alice",
      exp: Math.floor(Date.now() / 1000) + 3600,
      ...claims,
    };
    const given = Object.fromEntries(
      Object.entries(all).filter(([, value]) => value !== undefined),
    );
    const { kid } = header;
    return await new SignJWT(given)
      .setProtectedHeader({ alg: "ES256", ...kid === undefined ? {} : { kid } })
      .sign(this.#key);
  }
}

/** May do everything everywhere. */
export const EVERYTHING = "rabbitmq.configure:*/* rabbitmq.write:*/*/* rabbitmq.read:*/*/*";
