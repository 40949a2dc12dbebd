/** rabbitmq-client under the loads of `bench/clients.ts`. */
import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import process from "node:process";
import { runWorker } from "./worker.mjs";

const { Connection } = createRequire(process.env.INTEROP_NODE_PACKAGES)("rabbitmq-client");

await runWorker(async (url, noDelay) => {
  const connection = new Connection({ url, noDelay });
  await connection.onConnect();
  const channel = await connection.acquire();
  return {
    async declare(queue, table) {
      await channel.queueDeclare({ queue, arguments: table });
    },
    async publish(queue, body, until) {
      const bytes = Buffer.from(body);
      let count = 0;
      for (; until(); count++) {
        const room = channel.basicPublish({ routingKey: queue }, bytes);
        if (count % 64 === 0) await room;
        if (count % 512 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      }
      return count;
    },
    // deno-lint-ignore require-await -- as the others
    async confirming(queue, body) {
      const publisher = connection.createPublisher({ confirm: true });
      const bytes = Buffer.from(body);
      return () => publisher.send(queue, bytes);
    },
    async consume(queue, prefetch, isLast) {
      await new Promise((resolve) => {
        connection.createConsumer({ queue, qos: { prefetchCount: prefetch } }, () => {
          if (isLast()) resolve();
          return Promise.resolve();
        });
      });
    },
    async rpc(queue, body) {
      const serving = new Connection({ url, noDelay });
      const server = serving.createConsumer(
        { queue, queueOptions: { queue }, qos: { prefetchCount: 200 } },
        (request, reply) => reply(request.body),
      );
      await new Promise((resolve) => server.once("ready", resolve));
      const client = connection.createRPCClient();
      const bytes = Buffer.from(body);
      return () => client.send(queue, bytes);
    },
  };
});
