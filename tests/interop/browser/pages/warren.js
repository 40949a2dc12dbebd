/** Warren's own client in a page: it declares, publishes, consumes, acks, and survives an error. */

const url = decodeURIComponent(location.hash.slice(1));
const { connect } = await import(new URL("warren.mjs", location.href).href);

/** What the page has to tell. */
async function run() {
  const connection = await connect(url, { username: "guest", password: "guest" });
  const channel = await connection.openChannel();
  await channel.basicQos({ prefetchCount: 10 });
  await channel.confirmSelect();
  const { queue } = await channel.queueDeclare("", { exclusive: true });
  const exchange = `page-${Date.now()}`;
  await channel.exchangeDeclare(exchange, "topic", { autoDelete: true });
  await channel.queueBind({ queue, exchange, routingKey: "page.#" });

  const bodies = ["", "hello", "grüße", "x".repeat(300_000)];
  for (const [n, body] of bodies.entries()) {
    const properties = { headers: { n } };
    const address = { exchange, routingKey: "page.body" };
    await channel.basicPublish({ ...address, properties }, body);
  }
  await channel.waitForConfirms();
  const received = [];
  for await (const delivery of await channel.basicConsume(queue)) {
    received.push([delivery.text(), delivery.properties.headers?.n]);
    delivery.ack();
    if (received.length === bodies.length) break;
  }

  const other = await connection.openChannel();
  const error = await other.queueDeclare("missing", { passive: true }).catch(textOf);
  const { messageCount } = await channel.queueDeclare(queue, { passive: true });
  const called = await call(connection, `page-double-${Date.now()}`);
  await connection.close();
  return {
    confirmed: bodies.length,
    received: received.map(([body, n]) => [body.length, body.slice(0, 5), n]),
    error,
    messageCount,
    called,
  };
}

/** Publisher, consumer and RPC are the same in a page. */
async function call(connection, name) {
  const server = await connection.serve(name, ({ n }) => ({ n: 2 * n }));
  const client = await connection.rpc(name, { timeout: 60_000 });
  const { n } = await client.call({ n: 21 }, { properties: { contentEncoding: "gzip" } });
  await client.close();
  await server.close();
  return n;
}

/** What a broker said, without what the client says about it. */
function textOf({ message }) {
  return /NOT_FOUND.*'\/'/.exec(message)?.[0] ?? message;
}

const report = await run().catch((error) => ({ failed: String(error) }));
await fetch("/report", { method: "POST", body: JSON.stringify(report) });
