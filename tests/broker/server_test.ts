import { assertEquals } from "@std/assert";
import { ServedConnections } from "../../broker/server.ts";
import { ScriptedTransport } from "../support/scripted_transport.ts";

Deno.test("ServedConnections closes what comes after it was closed", async () => {
  let [served, left] = [0, 0];
  const connections = new ServedConnections(() => {
    served++;
    return Promise.resolve(undefined);
  });
  connections.take(new ScriptedTransport([]), () => left++);
  await connections.close();
  const late = new ScriptedTransport([]);
  connections.take(late, () => left++);
  assertEquals([served, late.closed, left], [1, true, 2]);
});
