// deno-lint-ignore-file no-console
import { connect, type Connection, type MessageConsumer, type MessageHandler } from "@warren/amqp";
import { type Order, OrderSchema } from "./order_pb.ts";
import { protobufCodec } from "./protobuf_codec.ts";

/** Handles the orders that come to the queue `orders`. */
export async function receive(
  connection: Connection,
  handler: MessageHandler<Order>,
): Promise<MessageConsumer<Order>> {
  await (await connection.openChannel()).queueDeclare("orders", { durable: true });
  const codecs = [protobufCodec(OrderSchema)];
  return await connection.consumer({ queue: "orders", codecs, onFailure: "reject" }, handler);
}

if (import.meta.main) {
  await using connection = await connect(Deno.env.get("AMQP_URL"));
  await using consumer = await receive(connection, ({ body: { id, customer, items } }) => {
    const listed = items.map(({ name, count, price }) => `${count} ${name} at ${price}`);
    console.log(`Order ${id} of ${customer}: ${listed.join(", ")}`);
  });
  console.log("Waiting for orders; Ctrl+C ends this.");
  await consumer.closed;
}
