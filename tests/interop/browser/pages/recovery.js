/** A page that works with one broker, has it killed, and works on with another one. */

const urls = decodeURIComponent(location.hash.slice(1)).split(" ");
const { connect } = await import(new URL("warren.mjs", location.href).href);

/** So many messages before and after. */
const BEFORE = 10;
const ALL = 60;

/** What the page has to tell. */
async function run() {
  const connection = await connect(urls, { username: "guest", password: "guest" });
  let lost = 0;
  connection.on("lost", () => lost++);
  const recovered = new Promise((resolve) => connection.on("recovered", resolve));
  const channel = await connection.openChannel();
  await channel.queueDeclare("page");
  const publisher = await connection.publisher({ routingKey: "page", mandatory: true });
  const received = new Set();
  let change = Promise.withResolvers();
  const consumer = await connection.consumer({ queue: "page" }, ({ body }) => {
    received.add(body);
    change.resolve();
  });
  const untilReceived = async (count) => {
    while (received.size < count) await (change = Promise.withResolvers()).promise;
  };
  const server = await connection.serve("double", (n) => 2 * n);
  const client = await connection.rpc("double", { timeout: 60_000, unanswered: "retry" });

  for (let n = 0; n < BEFORE; n++) await publisher.publish(n);
  await untilReceived(BEFORE);
  // nothing of what follows reaches the broker that is killed
  await fetch("/kill", { method: "POST" });
  const publishing = [];
  for (let n = BEFORE; n < ALL; n++) publishing.push(publisher.publish(n));
  const calling = client.call(21);
  await Promise.all(publishing);
  await untilReceived(ALL);
  const called = await calling;
  const { host } = await recovered;
  await publisher.close();
  await consumer.close();
  await client.close();
  await server.close();
  await connection.close();
  return {
    received: [...received].sort((one, other) => one - other),
    called,
    lost,
    to: new URL(host).port,
  };
}

const report = await run().catch((error) => ({ failed: String(error) }));
await fetch("/report", { method: "POST", body: JSON.stringify(report) });
