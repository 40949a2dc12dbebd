// deno-lint-ignore-file no-console -- a program: what it prints is looked at
import { trace } from "@opentelemetry/api";
import { connect } from "@warren/amqp";
import { OpenTelemetryTracer } from "@warren/amqp/opentelemetry";

/**
 * A program that is traced: publishes in a span of its own, and handles what it published by asking
 * another part of itself.
 *
 * @module
 */
const tracer = new OpenTelemetryTracer();
await using connection = await connect(Deno.args[0]!, { tracer, recovery: false });
const channel = await connection.openChannel();
await channel.queueDeclare("orders");
await using _prices = await connection.serve("prices", () => 7);
await using prices = await connection.rpc("prices");
const done = Promise.withResolvers<void>();
await using _consumer = await connection.consumer({ queue: "orders" }, async () => {
  await prices.call("apple");
  done.resolve();
});
await using publisher = await connection.publisher({ routingKey: "orders" });
await trace.getTracer("shop").startActiveSpan("buy", async (span) => {
  await publisher.publish({ apples: 1 }, { properties: { messageId: "order-1" } });
  span.end();
});
await done.promise;

// what belongs to no trace that is recorded
const unrecorded = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
await using plain = await connect(Deno.args[0]!, { recovery: false });
const silent = await plain.openChannel();
const { queue } = await silent.queueDeclare();
for (const headers of [{}, { traceparent: unrecorded, tracestate: "vendor=1" }]) {
  silent.basicPublish({ routingKey: queue, properties: { headers } }, "untraced");
  console.log(JSON.stringify((await silent.basicGet(queue))!.properties.headers));
}

// what belongs to a trace of somebody else
const foreign = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01";
const properties = { headers: { traceparent: foreign, tracestate: "vendor=1" } };
silent.basicPublish({ routingKey: queue, properties }, "traced");
console.log(JSON.stringify((await silent.basicGet(queue))!.properties.headers));
