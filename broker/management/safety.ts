/**
 * What keeps other people's web pages out.
 *
 * @module
 */

/** Every answer has these. */
export const SAFE_HEADERS: readonly (readonly [name: string, value: string])[] = [
  ["cache-control", "no-store"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
  ["cross-origin-resource-policy", "same-origin"],
  ["referrer-policy", "no-referrer"],
  ["vary", "origin"],
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "DENY"],
];

/** True for a request that would change something and that a page of another site has made: a browser
 * sends along what its user logged in with. Programs that are no browsers say nothing of a site. */
export function isForeign({ method, url, headers }: Request): boolean {
  if (method === "GET" || method === "HEAD") return false;
  if (["cross-site", "same-site"].includes(headers.get("sec-fetch-site") ?? "")) return true;
  const origin = headers.get("origin");
  if (origin === null) return false;
  const host = headers.get("host") ?? new URL(url).host;
  try {
    return new URL(origin).host !== host;
  } catch {
    return true; // "null": a sandboxed page, or a file
  }
}
