/** amqplib under the loads of `bench/clients.ts`. */
import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import process from "node:process";
import { runWorker } from "./worker.mjs";

const amqp = createRequire(process.env.INTEROP_NODE_PACKAGES)("amqplib");

await runWorker(async (url, noDelay) => {
  const connection = await amqp.connect(url, { noDelay });
  const channel = await connection.createChannel();
  return {
    async declare(queue, table) {
      await channel.assertQueue(queue, { durable: false, arguments: table });
    },
    async publish(queue, body, until) {
      const bytes = Buffer.from(body);
      let count = 0;
      for (; until(); count++) {
        if (!channel.sendToQueue(queue, bytes)) {
          await new Promise((resolve) => channel.once("drain", resolve));
        } else if (count % 512 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      }
      return count;
    },
    async confirming(queue, body) {
      const confirming = await connection.createConfirmChannel();
      const bytes = Buffer.from(body);
      return () =>
        new Promise((resolve, reject) => {
          confirming.sendToQueue(
            queue,
            bytes,
            {},
            (error) => error === null ? resolve() : reject(error),
          );
        });
    },
    async consume(queue, prefetch, isLast) {
      await channel.prefetch(prefetch);
      await new Promise((resolve) => {
        channel.consume(queue, (message) => {
          channel.ack(message);
          if (isLast()) resolve();
        });
      });
    },
    async rpc(queue, body) {
      const serving = await (await amqp.connect(url, { noDelay })).createChannel();
      await serving.assertQueue(queue, { durable: false });
      await serving.prefetch(200);
      await serving.consume(queue, (request) => {
        const { replyTo, correlationId } = request.properties;
        serving.sendToQueue(replyTo, request.content, { correlationId });
        serving.ack(request);
      });
      const calls = new Map();
      await channel.consume("amq.rabbitmq.reply-to", ({ properties, content }) => {
        calls.get(properties.correlationId)(content);
        calls.delete(properties.correlationId);
      }, { noAck: true });
      const bytes = Buffer.from(body);
      let id = 0;
      return () =>
        new Promise((resolve) => {
          const correlationId = `${++id}`;
          calls.set(correlationId, resolve);
          channel.sendToQueue(queue, bytes, { correlationId, replyTo: "amq.rabbitmq.reply-to" });
        });
    },
  };
});
