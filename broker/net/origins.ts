import { parseAddress } from "./addresses.ts";

/**
 * Which web pages may open a WebSocket.
 *
 * A browser lets any page connect to any address, this machine's own included, where `guest` is let
 * in; but it says which page it was, in the `Origin` field. Programs that are no browsers send none.
 * Without being listed, pages may connect that come from this machine, and those that come from the
 * very address they connect to when it is written as a number: with a name, anybody's name could be
 * made to mean this machine.
 */
export class Origins {
  readonly #listed: ReadonlySet<string>;

  /**
   * @param listed More pages that may, such as `https://app.example`; `*` for all there are.
   * @throws {TypeError} When one of them is no origin.
   */
  constructor(listed: readonly string[] = []) {
    this.#listed = new Set(listed.map((one) => one === "*" ? one : normalised(one)));
  }

  /**
   * Tells whether a page may connect.
   *
   * @param origin The field `Origin` of the request, if there is one.
   * @param host Its field `Host`.
   */
  allow(origin: string | null | undefined, host: string | null | undefined): boolean {
    if (origin === undefined || origin === null) return true;
    if (this.#listed.has("*") || this.#listed.has(origin.toLowerCase())) return true;
    let url: URL;
    try {
      url = new URL(origin);
    } catch {
      return false; // "null", the origin of what has none
    }
    if (url.protocol !== "http:" && url.protocol !== "https:") return false;
    const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
    if (name === "localhost" || name.endsWith(".localhost") || isLoopbackAddress(name)) return true;
    return parseAddress(name) !== undefined && url.host === host?.toLowerCase();
  }
}

function isLoopbackAddress(name: string): boolean {
  const octets = parseAddress(name);
  if (octets === undefined) return false;
  return octets.length === 4
    ? octets[0] === 127
    : octets.every((octet, at) => octet === (at === 15 ? 1 : 0));
}

function normalised(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // a page's origin has no path; extensions of browsers have origins of their own schemes
  if (url === undefined || !/^[a-z][a-z0-9+.-]*:\/\/[^/?#@]+\/?$/i.test(text)) {
    throw new TypeError(`Cannot listen: "${text}" is no origin such as https://app.example`);
  }
  return url.origin === "null" ? text.replace(/\/$/, "").toLowerCase() : url.origin;
}
