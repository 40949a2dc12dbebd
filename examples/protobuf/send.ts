// deno-lint-ignore-file no-console
import { create } from "@bufbuild/protobuf";
import { connect, type Connection } from "@warren/amqp";
import { type Order, OrderSchema } from "./order_pb.ts";
import { PROTOBUF, protobufCodec } from "./protobuf_codec.ts";

/** Publishes an order to the queue `orders`, compressed. */
export async function send(connection: Connection, order: Order): Promise<void> {
  await (await connection.openChannel()).queueDeclare("orders", { durable: true });
  await using publisher = await connection.publisher({
    routingKey: "orders",
    codecs: [protobufCodec(OrderSchema)],
    properties: {
      contentType: PROTOBUF,
      contentEncoding: "gzip",
      type: OrderSchema.typeName,
      deliveryMode: 2,
    },
  });
  await publisher.publish(order);
}

if (import.meta.main) {
  await using connection = await connect(Deno.env.get("AMQP_URL"));
  const [id = "1", customer = "Alice"] = Deno.args;
  const items = [{ name: "carrot", count: 12, price: 0.25 }];
  await send(connection, create(OrderSchema, { id: BigInt(id), customer, items, express: true }));
  console.log(`Sent order ${id} of ${customer}`);
}
