/** What `small_integers_test.ts` looks at: messages go all kinds of ways, in process and over TCP. */
import { Broker, connect, type Connection, type Delivery } from "../../mod.ts";

/** More than a queue keeps ready: the others wait as numbers. */
const WAITING = 6000;
/** More than fits into a frame. */
const LARGE = new Uint8Array(300_000);
const SMALL = new Uint8Array(16);

// shows that it is told when a number is no small integer any more
const control = { controlled: 0 };
control.controlled = 0.5;

const broker = new Broker();
const { port } = await broker.listen({ port: 0 });
for (let round = 0; round < 2; round++) {
  await using inProcess = await broker.connect();
  await go(inProcess);
  await using overTcp = await connect(`amqp://guest:guest@127.0.0.1:${port}`);
  await go(overTcp);
}
await broker.close();

async function go(connection: Connection): Promise<void> {
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  await channel.basicQos({ prefetchCount: 100 });
  const { queue } = await channel.queueDeclare("", { exclusive: true });
  await channel.queueBind({ queue, exchange: "amq.topic", routingKey: "new.*" });
  for (const body of [LARGE, SMALL]) {
    for (let index = 0; index < 40; index++) {
      void channel.basicPublish({ routingKey: queue, properties: { headers: { index } } }, body);
      void channel.basicPublish({ exchange: "amq.topic", routingKey: `new.${index}` }, body);
    }
  }
  for (let index = 0; index < WAITING; index++) {
    void channel.basicPublish({ routingKey: queue }, SMALL);
  }
  await channel.waitForConfirms();
  const { messageCount } = await channel.queueDeclare(queue, { passive: true });
  await channel.basicGet(queue, { noAck: true });
  let left = messageCount - 1;
  const done = Promise.withResolvers<void>();
  await channel.basicConsume(queue, {}, (delivery: Delivery) => {
    if (delivery.deliveryTag % 100 === 0 && !delivery.redelivered) return delivery.nack();
    delivery.ack();
    if (--left === 0) done.resolve();
  });
  await done.promise;
}
