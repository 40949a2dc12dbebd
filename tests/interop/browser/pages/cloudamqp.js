/** CloudAMQP's client in a page: it declares, publishes, consumes, acks, and survives an error. */

const url = decodeURIComponent(location.hash.slice(1));
const { AMQPWebSocketClient } = await import(new URL("amqp-client.mjs", location.href).href);

/** What the page has to tell. */
async function run() {
  const connection = await new AMQPWebSocketClient({ url }).connect();
  const channel = await connection.channel();
  await channel.basicQos(10);
  await channel.confirmSelect();
  const { name } = await channel.queueDeclare("", { exclusive: true });
  const exchange = `page-${Date.now()}`;
  await channel.exchangeDeclare(exchange, "topic", { autoDelete: true });
  await channel.queueBind(name, exchange, "page.#");

  const bodies = ["", "hello", "grüße", "x".repeat(300_000)];
  const received = [];
  const all = Promise.withResolvers();
  await channel.basicConsume(name, { noAck: false }, (message) => {
    received.push([message.bodyString() ?? "", message.properties.headers?.n]);
    message.ack();
    if (received.length === bodies.length) all.resolve();
  });
  const confirmed = await Promise.all(
    bodies.map((body, n) => channel.basicPublish(exchange, "page.body", body, { headers: { n } })),
  );
  await all.promise;

  const other = await connection.channel();
  const error = await other.queueDeclare("missing", { passive: true }).catch(textOf);
  const { messageCount } = await channel.queueDeclare(name, { passive: true });
  await connection.close();
  return {
    confirmed: confirmed.length,
    received: received.map(([body, n]) => [body.length, body.slice(0, 5), n]),
    error,
    messageCount,
  };
}

/** What a broker said, without what the client says about it. */
function textOf({ message }) {
  return /NOT_FOUND.*'\/'/.exec(message)?.[0] ?? message;
}

const report = await run().catch((error) => ({ failed: String(error) }));
await fetch("/report", { method: "POST", body: JSON.stringify(report) });
