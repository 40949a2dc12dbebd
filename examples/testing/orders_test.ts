import { assertEquals } from "@std/assert";
import { Broker, type Connection, type IterableConsumer } from "@warren/amqp";
import { invoiceOrders } from "./orders.ts";

Deno.test("an order becomes an invoice", async () => {
  await using broker = new Broker();
  await using app = await broker.connect();
  await invoiceOrders(app, 5);
  await using shop = await broker.connect();
  const invoices = await consumeInvoices(shop, "invoice.*");

  await order(shop, { id: 1, quantity: 3 });

  const { value: invoice } = await invoices.next();
  assertEquals(invoice?.routingKey, "invoice.small");
  assertEquals(invoice?.json(), { id: 1, total: 15 });
});

Deno.test("an order of nothing is dropped, and the next one is handled", async () => {
  await using broker = new Broker();
  await using app = await broker.connect();
  await invoiceOrders(app, 5);
  await using shop = await broker.connect();
  const invoices = await consumeInvoices(shop, "#");

  await order(shop, { id: 1, quantity: 0 });
  await order(shop, { id: 2, quantity: 100 });

  const { value: invoice } = await invoices.next();
  assertEquals(invoice?.routingKey, "invoice.large");
  assertEquals(invoice?.json(), { id: 2, total: 500 });
});

/** Consumes the invoices whose key matches a pattern. */
async function consumeInvoices(shop: Connection, pattern: string): Promise<IterableConsumer> {
  const channel = await shop.openChannel();
  const { queue } = await channel.queueDeclare("", { exclusive: true });
  await channel.queueBind({ queue, exchange: "invoices", routingKey: pattern });
  return await channel.basicConsume(queue, { noAck: true });
}

async function order(shop: Connection, body: unknown): Promise<void> {
  await using channel = await shop.openChannel();
  await channel.basicPublish({ routingKey: "orders" }, JSON.stringify(body));
}
