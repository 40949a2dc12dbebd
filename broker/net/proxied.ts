import type { Endpoint, Transport } from "../amqp/transport.ts";
import { Networks } from "./addresses.ts";
import { type ProxiedEnd, readProxyHeader } from "./proxy_header.ts";
import { RefusedError } from "./refused_error.ts";
import { withUnread } from "./unread.ts";

/** Most headers are shorter than this; the longest has 65 551 bytes. */
const USUAL_SIZE = 256;

/** How connections come through a proxy. */
export interface ProxyProtocolOptions {
  /** Where the proxies are: addresses such as `127.0.0.1`, networks such as `10.0.0.0/8`, and `unix`
   * for whoever comes through the socket file. */
  readonly trusted: readonly string[];
}

/** Who may say where a connection comes from. */
export class TrustedProxies {
  readonly #networks: Networks;
  readonly #socketFile: boolean;

  /**
   * @param options The proxies.
   * @throws {TypeError} When there is none, or one of them is no address.
   */
  constructor({ trusted }: ProxyProtocolOptions) {
    if (trusted.length === 0) throw new TypeError("Cannot listen: no proxy is trusted");
    this.#socketFile = trusted.includes("unix");
    this.#networks = new Networks(trusted.filter((one) => one !== "unix"));
  }

  /** True when what comes from there is believed. */
  includes({ hostname, path }: Endpoint): boolean {
    return path === undefined ? this.#networks.includes(hostname) : this.#socketFile;
  }
}

/**
 * Takes the PROXY header from the front of a stream. Every connection must begin with one: guessing
 * would let anybody say where he comes from.
 *
 * @param transport The stream as it was accepted.
 * @param proxies Who may send a header.
 * @returns The same stream after the header, with the ends that the header gives; undefined when it
 * ended before its first byte, as health checks do.
 * @throws {RefusedError} When the peer is not trusted, or what it sends is no header. The stream is the
 * caller's to close.
 */
export async function takeProxyHeader(
  transport: Transport,
  proxies: TrustedProxies,
): Promise<Transport | undefined> {
  if (!proxies.includes(transport.peer)) {
    throw new RefusedError("refused, since it is no trusted proxy");
  }
  let bytes = new Uint8Array(USUAL_SIZE);
  for (let length = 0;;) {
    const count = await transport.read(bytes.subarray(length));
    if (count === null) {
      if (length === 0) return undefined;
      throw new RefusedError("refused, since its PROXY header is torn");
    }
    length += count;
    const header = readProxyHeader(bytes.subarray(0, length));
    if (header.kind === "invalid") throw new RefusedError(`refused, since ${header.reason}`);
    if (header.kind === "whole") {
      return withUnread(
        transport,
        bytes.subarray(header.size, length),
        header.ends === undefined ? {} : {
          peer: endpoint(header.ends.source),
          local: endpoint(header.ends.destination),
        },
      );
    }
    if (length === bytes.length) {
      const larger = new Uint8Array(2 * length);
      larger.set(bytes);
      bytes = larger;
    }
  }
}

function endpoint({ hostname, port }: ProxiedEnd): Endpoint {
  return { hostname, port };
}
