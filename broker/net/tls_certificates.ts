import { createPrivateKey, X509Certificate } from "node:crypto";

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

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

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
  const [own] = readAll(cert, given.certFile ?? "cert");
  checkKey(own!, key, given.keyFile ?? "key");
  if (ca !== undefined) readAll(ca, given.caFile ?? "ca");
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

function readAll(pem: string, where: string): X509Certificate[] {
  const blocks = pem.match(BLOCK) ?? [];
  if (blocks.length === 0) throw new TypeError(`${where} has no certificate in PEM`);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new TypeError(`certificate ${index + 1} of ${where} is damaged`, { cause });
    }
  });
}

function checkKey(certificate: X509Certificate, pem: string, where: string): void {
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    throw new TypeError(`the key of ${where} is encrypted`);
  }
  let fits: boolean;
  try {
    fits = certificate.checkPrivateKey(createPrivateKey(pem));
  } catch (cause) {
    throw new TypeError(`${where} has no private key in PEM that can be used`, { cause });
  }
  if (!fits) throw new TypeError(`the key of ${where} does not belong to the certificate`);
}

function oddities(certificate: X509Certificate, now: number): string[] {
  const { validFrom, validTo } = certificate;
  if (Date.parse(validTo) < now) return [`the certificate has expired: it was valid to ${validTo}`];
  if (Date.parse(validFrom) > now) return [`the certificate is not valid before ${validFrom}`];
  return [];
}
