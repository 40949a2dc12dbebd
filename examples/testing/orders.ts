import type { Connection } from "@warren/amqp";

/** An order as a shop publishes it, in JSON. */
interface Order {
  readonly id: number;
  readonly quantity: number;
}

/**
 * The application: turns orders into invoices, until its connection ends.
 *
 * It gets its connection from outside, so it cannot tell a test from the real thing.
 */
export async function invoiceOrders(connection: Connection, unitPrice: number): Promise<void> {
  const channel = await connection.openChannel();
  await channel.queueDeclare("orders", { durable: true });
  await channel.exchangeDeclare("invoices", "topic", { durable: true });
  await channel.basicQos({ prefetchCount: 10 });
  await channel.basicConsume("orders", {}, async (delivery) => {
    const { id, quantity } = delivery.json() as Order;
    if (!(quantity > 0)) return delivery.reject({ requeue: false });
    const invoice = JSON.stringify({ id, total: quantity * unitPrice });
    const size = quantity < 100 ? "small" : "large";
    await channel.basicPublish({ exchange: "invoices", routingKey: `invoice.${size}` }, invoice);
    delivery.ack();
  });
}
