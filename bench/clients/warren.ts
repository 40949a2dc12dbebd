/** Warren's client under the loads of `bench/clients.ts`. */
import { connect } from "../../mod.ts";
import { runWorker } from "./worker.mjs";

await runWorker(async (url: string) => {
  const connection = await connect(url);
  const channel = await connection.openChannel();
  return {
    async declare(queue: string, table: Record<string, number>) {
      await channel.queueDeclare(queue, { arguments: table });
    },
    async publish(queue: string, body: Uint8Array, until: () => boolean) {
      let count = 0;
      for (; until(); count++) {
        const room = channel.basicPublish({ routingKey: queue }, body);
        if (room !== undefined) await room;
        // as a program with other work would
        else if (count % 512 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      }
      return count;
    },
    async confirming(queue: string, body: Uint8Array) {
      const publisher = await connection.publisher({ routingKey: queue });
      return () => publisher.publish(body);
    },
    async consume(queue: string, prefetch: number, isLast: () => boolean) {
      const done = Promise.withResolvers<void>();
      const consumer = await connection.consumer({ queue, prefetch }, () => {
        if (isLast()) done.resolve();
      });
      await done.promise;
      await consumer.close();
    },
    async rpc(queue: string, body: Uint8Array) {
      const serving = await connect(url);
      await serving.serve(queue, (request) => request, { concurrency: 100 });
      const client = await connection.rpc(queue);
      return () => client.call(body);
    },
  };
});
