/** @cloudamqp/amqp-client under the loads of `bench/clients.ts`. */
import { createRequire } from "node:module";
import process from "node:process";
import { runWorker } from "./worker.mjs";

const { AMQPClient } = createRequire(process.env.INTEROP_NODE_PACKAGES)("@cloudamqp/amqp-client");

/** It has no option for sending small packets at once, but its socket has. */
async function connect(url, noDelay) {
  const client = new AMQPClient(url);
  const connection = await client.connect();
  client.socket.setNoDelay(noDelay);
  return connection;
}

await runWorker(async (url, noDelay) => {
  const connection = await connect(url, noDelay);
  const channel = await connection.channel();
  return {
    async declare(queue, table) {
      await channel.queueDeclare(queue, { durable: false }, table);
    },
    async publish(queue, body, until) {
      let count = 0;
      for (; until(); count++) {
        const room = channel.basicPublish("", queue, body);
        if (count % 64 === 0) await room;
        if (count % 512 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      }
      return count;
    },
    async confirming(queue, body) {
      const confirming = await connection.channel();
      await confirming.confirmSelect();
      return () => confirming.basicPublish("", queue, body);
    },
    async consume(queue, prefetch, isLast) {
      await channel.basicQos(prefetch);
      await new Promise((resolve) => {
        channel.basicConsume(queue, { noAck: false }, (message) => {
          message.ack();
          if (isLast()) resolve();
        });
      });
    },
    async rpc(queue, body) {
      const serving = await (await connect(url, noDelay)).channel();
      await serving.queueDeclare(queue, { durable: false });
      await serving.basicQos(200);
      await serving.basicConsume(queue, { noAck: false }, (request) => {
        const { replyTo, correlationId } = request.properties;
        serving.basicPublish("", replyTo, request.body, { correlationId });
        request.ack();
      });
      const calls = new Map();
      await channel.basicConsume("amq.rabbitmq.reply-to", { noAck: true }, (reply) => {
        calls.get(reply.properties.correlationId)(reply.body);
        calls.delete(reply.properties.correlationId);
      });
      let id = 0;
      return () =>
        new Promise((resolve) => {
          const correlationId = `${++id}`;
          calls.set(correlationId, resolve);
          channel.basicPublish("", queue, body, {
            correlationId,
            replyTo: "amq.rabbitmq.reply-to",
          });
        });
    },
  };
});
