import { connect } from "@warren/amqp";

/** More than a broker remembers. */
const ADDRESSES = 40_000;
/** Addresses are remembered when they come again, and push each other out. */
const TIMES = 4;
const BATCH = 1000;

/**
 * Publishes to so many addresses that what a broker remembers of them is full. It is bounded, some four
 * megabytes, and an attack fills it slowly: what memory is compared with should not be a broker that is
 * about to grow anyway.
 */
export async function fillCaches(port: number): Promise<void> {
  await using connection = await connect({ hostname: "127.0.0.1", port });
  const channel = await connection.openChannel();
  for (let count = 0; count < ADDRESSES * TIMES; count++) {
    const routingKey = `some.routing.key.${count % ADDRESSES}`;
    const wait = channel.basicPublish({ routingKey }, "to nobody");
    if (count % BATCH === 0) await wait;
  }
  // when this is answered all of them were read
  await channel.queueDeclare("", { exclusive: true });
}
