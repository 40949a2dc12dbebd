/**
 * Looks at certificates and keys before `node:tls` gets them: what it cannot read it leaves out without
 * a word.
 *
 * @module
 */
import type { X509Certificate } from "node:crypto";
import { builtIn } from "./built_in.ts";

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
 * @throws {TypeError} When it does not, or is none that can be used.
 */
export function checkKey(certificate: X509Certificate, pem: string, where: string): void {
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    throw new TypeError(`the key of ${where} is encrypted`);
  }
  let fits: boolean;
  try {
    fits = certificate.checkPrivateKey(builtIn("crypto").createPrivateKey(pem));
  } catch (cause) {
    throw new TypeError(`${where} has no private key in PEM that can be used`, { cause });
  }
  if (!fits) throw new TypeError(`the key of ${where} does not belong to the certificate`);
}
