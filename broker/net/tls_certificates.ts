import type { X509Certificate } from "node:crypto";
import { checkKey, readCertificates } from "../amqp/pem.ts";

/** A certificate and what belongs to it, as texts in PEM or as the files that they are in. */
export interface TlsCertificates {
  /** The certificate, followed by those that were between it and the root. */
  readonly cert?: string;
  /** Its private key, not encrypted. */
  readonly key?: string;
  /** The certificates of those who may sign certificates of clients. */
  readonly ca?: string;
  /** A file with the certificate. It is read again when certificates are reloaded. */
  readonly certFile?: string;
  /** A file with the key. */
  readonly keyFile?: string;
  /** A file with the certificates of those who may sign. */
  readonly caFile?: string;
}

/** The texts themselves. */
export interface LoadedCertificates {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
  /** What is odd with them, for the log: they can be used nevertheless. */
  readonly warnings: readonly string[];
}

/**
 * Reads certificates and checks what `node:tls` would only notice when somebody connects.
 *
 * @param now When that is, in milliseconds since 1970.
 * @throws {TypeError} When something is missing or is not what it should be.
 * @throws {Error} What the runtime throws when a file cannot be read.
 */
export async function loadCertificates(
  given: TlsCertificates,
  now: number,
): Promise<LoadedCertificates> {
  const cert = await textOf("cert", given.cert, given.certFile);
  const key = await textOf("key", given.key, given.keyFile);
  const ca = await textOf("ca", given.ca, given.caFile);
  if (cert === undefined) throw new TypeError("the certificate is missing");
  if (key === undefined) throw new TypeError("the private key is missing");
  const [own] = readCertificates(cert, given.certFile ?? "cert");
  checkKey(own!, key, given.keyFile ?? "key");
  if (ca !== undefined) readCertificates(ca, given.caFile ?? "ca");
  return { cert, key, ca, warnings: oddities(own!, now) };
}

async function textOf(
  what: string,
  text: string | undefined,
  file: string | undefined,
): Promise<string | undefined> {
  if (file === undefined) return text;
  if (text !== undefined) throw new TypeError(`${what} and ${what}File are both given`);
  return await Deno.readTextFile(file);
}

function oddities({ validFrom, validTo }: X509Certificate, now: number): string[] {
  if (Date.parse(validTo) < now) return [`the certificate has expired: it was valid to ${validTo}`];
  if (Date.parse(validFrom) > now) return [`the certificate is not valid before ${validFrom}`];
  return [];
}
