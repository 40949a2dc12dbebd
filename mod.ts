/**
 * Warren: an AMQP 0-9-1 broker and client in one module.
 *
 * A {@linkcode Broker} lives in this process, and `broker.connect()` talks to it without a socket.
 * `broker.listen()` serves it to any RabbitMQ client. {@linkcode connect} reaches a broker over TCP,
 * be it this one or RabbitMQ, and gives the same `Connection`.
 *
 * @example A broker, a queue, a message
 * ```ts
 * import { Broker } from "@warren/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using connection = await broker.connect();
 * const channel = await connection.openChannel();
 * await channel.queueDeclare("jobs");
 * await channel.basicPublish({ routingKey: "jobs" }, "sweep the burrow");
 *
 * for await (const delivery of await channel.basicConsume("jobs")) {
 *   assertEquals(delivery.text(), "sweep the burrow");
 *   delivery.ack();
 *   break;
 * }
 * ```
 *
 * @module
 */
export * from "./broker/mod.ts";
export * from "./client/mod.ts";
export { AmqpError } from "./broker/amqp/error.ts";
export { type BasicProperties } from "./broker/amqp/properties.ts";
export { Decimal, Double, type FieldTable, type FieldValue } from "./broker/amqp/field_table.ts";
export { EncodeError } from "./broker/amqp/field_value.ts";
