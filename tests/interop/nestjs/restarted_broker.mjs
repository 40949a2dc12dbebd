/** A broker that ends and comes back: microservice and client connect again by themselves. */

import assert from "node:assert/strict";
import {
  ask,
  client,
  controlBroker,
  EventPattern,
  Inbox,
  MessagePattern,
  serve,
  tell,
  unique,
} from "./support.mjs";

const options = { queue: unique("nest"), queueOptions: { durable: true } };
const inbox = new Inbox();
const app = await serve({
  double: [MessagePattern("double"), (number) => 2 * number],
  note: [EventPattern("note"), (data) => inbox.push(data)],
}, options);
const statuses = new Inbox();
app.status.subscribe((status) => statuses.push(status));
const proxy = client(options);
await proxy.connect();
assert.deepEqual(await ask(proxy, "double", 1), [2]);

for (const [number, action] of ["restart", "kill"].entries()) {
  const ofClient = new Inbox();
  const subscription = proxy.status.subscribe((status) => ofClient.push(status));
  await controlBroker(action);
  const connectedAgain = (items) =>
    items.filter((item) => item === "connected").length > number + 1;
  await statuses.until(connectedAgain, "microservice");
  await ofClient.until((items) => items.slice(1).includes("connected"), "client");
  subscription.unsubscribe();
  assert.deepEqual(await ask(proxy, "double", number), [2 * number]);
  await tell(proxy, "note", action);
  await inbox.until((items) => items.includes(action), "event");
}
await proxy.close();
await app.close();
