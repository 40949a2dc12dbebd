import { assertEquals } from "@std/assert";
import { ServedConnections } from "../../broker/server.ts";
import { ScriptedTransport } from "../support/scripted_transport.ts";

Deno.test("ServedConnections closes what comes after it was closed", async () => {
  let served = 0;
  const connections = new ServedConnections(() => {
    served++;
    return Promise.resolve(undefined);
  });
  connections.take(new ScriptedTransport([]));
  await connections.close();
  const late = new ScriptedTransport([]);
  connections.take(late);
  assertEquals([served, late.closed], [1, true]);
});
