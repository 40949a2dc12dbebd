/** Publishes persistent messages with confirms, a few at once, until its broker is gone, and tells
 * about each on a line of its own: `publisher.mjs PORT QUEUE FIRST SIZE`. */
import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import process from "node:process";

const amqp = createRequire(process.env.INTEROP_NODE_PACKAGES)("amqplib");
const [port, queue, first, size] = process.argv.slice(2);
const WINDOW = 20;

function say(line) {
  process.stdout.write(`${line}\n`);
}

async function publishForEver() {
  const connection = await amqp.connect({ hostname: "127.0.0.1", port: Number(port) });
  connection.on("blocked", (reason) => say(`blocked ${reason}`));
  connection.on("unblocked", () => say("unblocked"));
  connection.on("error", () => {});
  connection.on("close", gone);
  const channel = await connection.createConfirmChannel();
  channel.on("error", () => {});
  await channel.assertQueue(queue, { durable: true });
  let number = Number(first);
  const publishNext = () => {
    const mine = number++;
    const body = Buffer.from(`${mine}:`.padEnd(Number(size), "."));
    channel.publish("", queue, body, { persistent: true }, (error) => {
      say(`${error === null || error === undefined ? "confirmed" : "nacked"} ${mine}`);
      publishNext();
    });
  };
  for (let count = 0; count < WINDOW; count++) publishNext();
}

function gone() {
  say("gone");
  process.exit(0);
}

process.on("uncaughtException", gone);
await publishForEver().catch(gone);
