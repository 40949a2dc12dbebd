import { connect } from "../../client/connect.ts";
import { CA, certificate } from "../support/certificates.ts";
import { testOverTls } from "../support/harness.ts";
import { BEHAVIOUR } from "./mod.ts";

// what bytes could go wrong in; the rest is above all transports
const { connections, properties, confirms, publish, consume, acks, tx } = BEHAVIOUR;
testOverTls(
  {
    connections: connections!,
    properties: properties!,
    confirms: confirms!,
    publish: publish!,
    consume: consume!,
    acks: acks!,
    tx: tx!,
  },
  { ...certificate("server"), ca: CA, verifyPeer: "fail-if-none" },
  ({ port }) => connect({ hostname: "127.0.0.1", port, tls: { ca: CA, ...certificate("ann") } }),
);
