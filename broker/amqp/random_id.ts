/**
 * A random text of hexadecimal digits, such as no other program makes. Unlike `crypto.randomUUID` it can
 * be had on pages that came without TLS.
 *
 * @param octets How much chance is in it: two digits each.
 */
export function randomId(octets = 16): string {
  return Array.from(
    crypto.getRandomValues(new Uint8Array(octets)),
    (octet) => octet.toString(16).padStart(2, "0"),
  ).join("");
}
