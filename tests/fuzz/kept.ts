import { assertEquals } from "@std/assert";
import { connect } from "../../client/connect.ts";
import { WELL_BEHAVED } from "./well_behaved.ts";

/** A queue that no attacker knows, with messages that have to be there after a restart. */
const QUEUE = `${WELL_BEHAVED}-kept`;
const MESSAGES = 1000;

/** Publishes persistent messages, and returns when all are confirmed. */
export async function keepMessages(port: number): Promise<void> {
  await using connection = await connect(`amqp://guest:guest@127.0.0.1:${port}`);
  const channel = await connection.openChannel();
  await channel.queueDeclare(QUEUE, { durable: true });
  await channel.confirmSelect();
  for (let index = 0; index < MESSAGES; index++) {
    await channel.basicPublish({ routingKey: QUEUE, properties: { deliveryMode: 2 } }, `${index}`);
  }
  await channel.waitForConfirms();
}

/** Fails unless exactly these are there, in order. */
export async function checkKeptMessages(port: number): Promise<void> {
  await using connection = await connect(`amqp://guest:guest@127.0.0.1:${port}`);
  const channel = await connection.openChannel();
  const bodies: string[] = [];
  let next = await channel.basicGet(QUEUE, { noAck: true });
  for (; next !== undefined; next = await channel.basicGet(QUEUE, { noAck: true })) {
    bodies.push(next.text());
  }
  assertEquals(bodies, Array.from({ length: MESSAGES }, (_, index) => `${index}`));
}
