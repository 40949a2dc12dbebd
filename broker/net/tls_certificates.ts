import type { X509Certificate } from "node:crypto";
import { readCertificates, readKey } from "../amqp/pem.ts";
import { Revocations } from "../amqp/revocations.ts";

/** A certificate and its key, as texts in PEM or as the files that they are in. A file is read again
 * when certificates are reloaded. */
export interface ServerCertificate {
  /** The certificate, followed by those that were between it and the root. */
  readonly cert?: string;
  /** Its private key. */
  readonly key?: string;
  /** What the key is encrypted with, if it is. */
  readonly passphrase?: string;
  /** A file with the certificate. */
  readonly certFile?: string;
  /** A file with the key. */
  readonly keyFile?: string;
  /** A file whose first line is the passphrase. */
  readonly passphraseFile?: string;
}

/** A certificate and what belongs to it, as texts in PEM or as the files that they are in. */
export interface TlsCertificates extends ServerCertificate {
  /** More certificates, for clients who ask for a name that one of them is for (SNI); the one above is
   * for all the others. Default: none. */
  readonly others?: readonly ServerCertificate[];
  /** The certificates of those who may sign certificates of clients. */
  readonly ca?: string;
  /** A file with the certificates of those who may sign. */
  readonly caFile?: string;
  /** Revocation lists: which certificates of clients count no more. There must be one of each of those
   * who sign, or whom they signed for to sign; nobody is let in by a certificate of which it is not
   * known. Default: none, and all count. */
  readonly crl?: string;
  /** A file with revocation lists. */
  readonly crlFile?: string;
}

/** The texts of one certificate. */
export interface LoadedCertificate {
  readonly cert: string;
  /** Not encrypted any more. */
  readonly key: string;
  readonly x509: X509Certificate;
  /** With those between it and the root. */
  readonly chain: readonly X509Certificate[];
  /** The file that it is in. */
  readonly file: string | undefined;
}

/** From when to when a certificate is valid. */
export interface CertificateValidity {
  /** What it is for: shown to clients, or one of those who may sign clients' certificates. */
  readonly role: "server" | "authority";
  /** The file that it is in; null when it was given as text. */
  readonly file: string | null;
  /** In milliseconds since 1970. */
  readonly validFrom: number;
  /** Likewise. */
  readonly validTo: number;
}

/** The texts themselves. */
export interface LoadedCertificates {
  readonly own: LoadedCertificate;
  readonly others: readonly LoadedCertificate[];
  readonly ca: string | undefined;
  readonly revocations: Revocations | undefined;
  /** From when to when all of them are valid, those between them and the root included. */
  readonly validities: readonly CertificateValidity[];
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
  const own = await load(given);
  const others = [];
  for (const one of given.others ?? []) others.push(await load(one));
  const ca = await textOf("ca", given.ca, given.caFile);
  const authorities = ca === undefined ? [] : readCertificates(ca, given.caFile ?? "ca");
  const crl = await textOf("crl", given.crl, given.crlFile);
  if (crl !== undefined && ca === undefined) throw new TypeError("crl needs ca");
  const revocations = crl === undefined
    ? undefined
    : Revocations.read(crl, authorities, given.crlFile ?? "crl");
  const validities = [
    ...[own, ...others].flatMap(({ chain, file }) => validitiesOf(chain, "server", file)),
    ...validitiesOf(authorities, "authority", given.caFile),
  ];
  const warnings = [own, ...others].flatMap(({ x509 }) => oddities(x509, now));
  return {
    own,
    others,
    ca,
    revocations,
    validities,
    warnings: [...warnings, ...revocations?.oddities(now) ?? []],
  };
}

async function load(given: ServerCertificate): Promise<LoadedCertificate> {
  const cert = await textOf("cert", given.cert, given.certFile);
  const key = await textOf("key", given.key, given.keyFile);
  const secret = await textOf("passphrase", given.passphrase, given.passphraseFile);
  if (cert === undefined) throw new TypeError("the certificate is missing");
  if (key === undefined) throw new TypeError("the private key is missing");
  const passphrase = given.passphraseFile === undefined ? secret : secret?.split(/\r?\n/, 1)[0];
  const chain = readCertificates(cert, given.certFile ?? "cert");
  const [x509] = chain;
  const plain = readKey(x509!, key, given.keyFile ?? "key", passphrase);
  return { cert, key: plain, x509: x509!, chain, file: given.certFile };
}

function validitiesOf(
  certificates: readonly X509Certificate[],
  role: CertificateValidity["role"],
  file: string | undefined,
): CertificateValidity[] {
  return certificates.map(({ validFrom, validTo }) => ({
    role,
    file: file ?? null,
    validFrom: Date.parse(validFrom),
    validTo: Date.parse(validTo),
  }));
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
