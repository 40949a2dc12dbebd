import type { Endpoint, Transport } from "../amqp/transport.ts";

/**
 * A transport of which too much was read, as if it was not.
 *
 * @param transport The transport.
 * @param unread What was read too much; it must not change any more.
 * @param ends Its two ends, when they are not those of the transport.
 */
export function withUnread(
  transport: Transport,
  unread: Uint8Array,
  { peer = transport.peer, local = transport.local }: {
    readonly peer?: Endpoint;
    readonly local?: Endpoint;
  } = {},
): Transport {
  let rest = unread;
  return {
    read(into) {
      if (rest.length === 0) return transport.read(into);
      const count = Math.min(rest.length, into.length);
      into.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return Promise.resolve(count);
    },
    write: (bytes) => transport.write(bytes),
    close: () => transport.close(),
    peer,
    local,
    tls: transport.tls,
  };
}
