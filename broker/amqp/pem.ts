/**
 * Looks at certificates and keys before `node:tls` gets them: what it cannot read it leaves out without
 * a word.
 *
 * @module
 */
import type { KeyObject, X509Certificate } from "node:crypto";
import { builtIn } from "./built_in.ts";

const ENCRYPTED = /-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/;
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Reads all certificates of a text.
 *
 * @param where What it is called in errors.
 * @throws {TypeError} When there is none, or one of them is damaged.
 */
export function readCertificates(pem: string, where: string): X509Certificate[] {
  const blocks = pem.match(BLOCK) ?? [];
  if (blocks.length === 0) throw new TypeError(`${where} has no certificate in PEM`);
  const { X509Certificate } = builtIn("crypto");
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new TypeError(`certificate ${index + 1} of ${where} is damaged`, { cause });
    }
  });
}

/**
 * Checks that a key belongs to a certificate.
 *
 * @param where What it is called in errors.
 * @param passphrase What it is encrypted with, if it is.
 * @returns The key, not encrypted any more.
 * @throws {TypeError} When it does not, or is none that can be used.
 */
export function readKey(
  certificate: X509Certificate,
  pem: string,
  where: string,
  passphrase?: string,
): string {
  const isEncrypted = ENCRYPTED.test(pem);
  if (isEncrypted && passphrase === undefined) {
    throw new TypeError(`the key of ${where} is encrypted, and there is no passphrase`);
  }
  let key: KeyObject;
  let fits: boolean;
  try {
    key = builtIn("crypto").createPrivateKey(isEncrypted ? { key: pem, passphrase } : pem);
    fits = certificate.checkPrivateKey(key);
  } catch (cause) {
    const why = isEncrypted
      ? `the key of ${where} is encrypted with another passphrase, or in a way that is not known here`
      : `${where} has no private key in PEM that can be used`;
    throw new TypeError(why, { cause });
  }
  if (!fits) throw new TypeError(`the key of ${where} does not belong to the certificate`);
  return isEncrypted ? key.export({ format: "pem", type: "pkcs8" }).toString() : pem;
}
