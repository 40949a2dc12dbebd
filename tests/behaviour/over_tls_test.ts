import { connect } from "../../client/connect.ts";
import { CA, certificate } from "../support/certificates.ts";
import { testOverTls } from "../support/harness.ts";
import { ON_BYTES } from "./mod.ts";

testOverTls(
  ON_BYTES,
  { ...certificate("server"), ca: CA, verifyPeer: "fail-if-none" },
  ({ port }) => connect({ hostname: "127.0.0.1", port, tls: { ca: CA, ...certificate("ann") } }),
);
