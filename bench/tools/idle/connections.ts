// deno-lint-ignore-file no-console -- a program of its own
/**
 * Opens connections and keeps them, with next to nothing in this process for each: what an idle
 * connection costs a broker is to be seen there. Ends when one of them is closed, or it is told to.
 *
 * ```text
 * deno run -A bench/tools/idle/connections.ts PORT COUNT socket|connection|channel
 * ```
 *
 * @module
 */
import { tcpTransport } from "../../../broker/amqp/mod.ts";
import { PROTOCOL_HEADER } from "../../../broker/amqp/constants.ts";
import { channelOpen } from "../../../broker/amqp/methods/channel.ts";
import {
  connectionOpen,
  connectionStartOk,
  connectionTuneOk,
} from "../../../broker/amqp/methods/connection.ts";
import { plainResponse } from "../../../broker/amqp/sasl.ts";
import { RawPeer } from "../../../tests/support/raw_peer.ts";

/** So many are being opened at a time. */
const AT_A_TIME = 32;

const [port, count, kind] = [Number(Deno.args[0]), Number(Deno.args[1]), Deno.args[2]];
let opened = 0;
await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
  while (opened < count) {
    opened++;
    keep(await open());
  }
}));
console.log(`opened ${count}`);

async function open(): Promise<Deno.TcpConn> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  if (kind === "socket") return socket;
  const peer = new RawPeer(tcpTransport(socket));
  await peer.sendBytes(PROTOCOL_HEADER);
  await peer.expect(0, "connection.start");
  const response = plainResponse({ username: "guest", password: "guest" });
  await peer.send(0, connectionStartOk({ mechanism: "PLAIN", response, locale: "en_US" }));
  // what the broker suggests, heartbeats included, is what most clients take
  const tune = await peer.expect(0, "connection.tune");
  await peer.send(0, connectionTuneOk(tune));
  await peer.send(0, connectionOpen({ virtualHost: "/" }));
  await peer.expect(0, "connection.open-ok");
  if (kind === "channel") {
    await peer.send(1, channelOpen());
    await peer.expect(1, "channel.open-ok");
  }
  return socket;
}

/** Takes what comes, which is heartbeats at most. */
async function keep(socket: Deno.TcpConn): Promise<void> {
  const bytes = new Uint8Array(8);
  while (await socket.read(bytes) !== null);
  console.error("the broker closed a connection");
  Deno.exit(1);
}
