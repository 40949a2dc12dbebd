import type { BrokerServer } from "../../broker/server.ts";
import type { Connection } from "../../client/connection.ts";
import { connectOver } from "../../client/open.ts";
import { resolveOptions } from "../../client/options.ts";
import { connect } from "../../client/websocket.ts";
import { testOverWebSocket } from "../support/harness.ts";
import { clientFrame, WebSocketClient } from "../support/websocket_client.ts";
import { ON_BYTES } from "./mod.ts";

/** Frames that end where no AMQP frame does, and messages in parts with pings between them. */
function cutOddly(bytes: Uint8Array): Uint8Array[] {
  const at = Math.min(5, bytes.length);
  return [
    clientFrame(bytes.subarray(0, at), { final: false }),
    clientFrame(Uint8Array.of(1, 2), { opcode: 9 }),
    clientFrame(bytes.subarray(at), { opcode: 0 }),
  ];
}

async function connectOddly({ port }: BrokerServer): Promise<Connection> {
  const client = await WebSocketClient.open(port);
  return await connectOver(client.asTransport(cutOddly), resolveOptions({}));
}

testOverWebSocket(ON_BYTES, "WebSocket in odd pieces", connectOddly);

// The runtime's WebSocket waits for an acknowledgement between small writes, 40 ms each time.
const { connections, properties, confirms } = ON_BYTES;
testOverWebSocket(
  { connections: connections!, properties: properties!, confirms: confirms! },
  "the standard WebSocket",
  ({ url }) => connect(url),
);
