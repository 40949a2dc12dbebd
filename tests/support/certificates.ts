/**
 * The certificates beside this file, which `certificates/make.sh` makes. They are valid until 2120, apart
 * from `outdated` and `late`.
 *
 * @module
 */

/** Those that have a key. */
export type Certificate =
  | "server" // for localhost and the loopback addresses
  | "renewed" // the same, issued anew
  | "elsewhere" // for another host
  | "outdated" // as server, but expired
  | "ann" // a client
  | "bob" // a client, with an intermediate certificate
  | "odd" // a client whose name has everything that must be escaped
  | "guest" // a client that is called as the user that there always is
  | "late" // ann's, but expired
  | "stranger" // says that he is ann; nobody trusts who signed that
  | "version1" // says so himself, by a certificate of version 1 of X.509
  | "carol" // a client of an authority that takes certificates back
  | "mallory" // another one, whose certificate it has taken back
  | "withdrawn"; // as server, of the same authority and taken back as well

/** The path of a file. */
export function certificatePath(file: string): string {
  return new URL(`certificates/${file}`, import.meta.url).pathname;
}

function read(file: string): string {
  return Deno.readTextFileSync(certificatePath(file));
}

/** Who has signed everything but `stranger`. */
export const CA: string = read("ca.pem");
/** Who has signed `stranger`. */
export const OTHER_CA: string = read("other-ca.pem");

/** Who has signed `carol`, `mallory` and `withdrawn`. */
export const STRICT_CA: string = read("strict-ca.pem");

/** A revocation list of that: the latter two are on `strict`, and not yet on `empty` and `outdated`, which
 * should have been followed by another one long ago. */
export function revocationList(name: "strict" | "empty" | "outdated"): string {
  return read(`${name}.crl`);
}

/** The key of `server`, encrypted, and what with. */
export const ENCRYPTED_KEY = { key: read("server-encrypted.key"), passphrase: "carrot" };

/** A certificate and its key. */
export function certificate(name: Certificate): { readonly cert: string; readonly key: string } {
  return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
}

/** A certificate in DER. */
export function certificateOctets(name: Certificate): Uint8Array {
  const [, base64 = ""] = /-----BEGIN CERTIFICATE-----([^-]*)-----END/.exec(read(`${name}.pem`)) ??
    [];
  return Uint8Array.from(atob(base64.replaceAll("\n", "")), (char) => char.charCodeAt(0));
}
