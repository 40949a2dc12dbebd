import { Broker, connect } from "../../mod.ts";
import { connect as connectToWebSocket } from "../../client/websocket.ts";
import { messaging } from "./messaging.ts";

for (const { name, run } of messaging) {
  Deno.test(`in process: ${name}`, async () => {
    await using broker = new Broker();
    await using connection = await broker.connect();
    await run(connection);
  });

  Deno.test(`over TCP: ${name}`, async () => {
    await using broker = new Broker();
    await using server = await broker.listen({ port: 0 });
    await using connection = await connect(`amqp://127.0.0.1:${server.port}`);
    await run(connection);
  });

  Deno.test(`over WebSocket: ${name}`, async () => {
    await using broker = new Broker();
    await using server = await broker.listen({ websocket: true, port: 0 });
    await using connection = await connectToWebSocket(server.url);
    await run(connection);
  });
}
