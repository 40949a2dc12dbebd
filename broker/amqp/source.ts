/**
 * Whom an address stands for, where somebody may have only so much.
 *
 * @module
 */

/** An address of IPv4 as one of IPv6, which a socket for both versions has for it. */
const MAPPED = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([\da-f]{1,4}):([\da-f]{1,4}))$/i;

/** Who has one address of IPv6 has all that begin as it does: a network of 64 bits. Who comes by IPv4 is
 * the same one whatever socket he comes to. */
export function sourceOf(hostname: string): string {
  const [, ipv4, high, low] = MAPPED.exec(hostname) ?? [];
  if (ipv4 !== undefined) return ipv4;
  if (high !== undefined && low !== undefined) {
    const octets = [high, low].map((group) => parseInt(group, 16)).flatMap((
      two,
    ) => [two >> 8, two & 255]);
    return octets.join(".");
  }
  if (!hostname.includes(":") || hostname.includes(".")) return hostname;
  const [head = "", tail] = hostname.split("::", 2);
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => "0");
  const groups = tail === undefined ? first : [...first, ...zeros, ...last];
  return `${groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
