// deno-lint-ignore-file no-console -- part of a program
import { connect } from "../../mod.ts";
import { behaviour } from "../client/behaviour.ts";
import { messaging } from "../client/messaging.ts";
import { restartUnderLoad } from "../client/restarts.ts";
import type { RabbitmqServer } from "../support/rabbitmq.ts";

/** So often RabbitMQ is stopped and started, which takes it some seconds. */
const RESTARTS = 2;

/** No case takes longer: one that waits for ever must not hold up all the rest. */
const CASE_MS_MAX = 300_000;

/** What the client does against a RabbitMQ: channels, publishers, consumers and RPC, and all of it again when the
 * node is stopped and started under load. Tells how many cases passed, and which failed. */
export async function runClient(
  rabbitmq: Pick<RabbitmqServer, "port"> & Partial<RabbitmqServer>,
  only: string,
): Promise<{ readonly passed: number; readonly failed: readonly string[] }> {
  const count = { passed: 0, failed: [] as string[] };
  const address = { hostname: "127.0.0.1", port: rabbitmq.port };
  const attempt = async (name: string, run: () => Promise<unknown>) => {
    const title = `client: ${name}`;
    if (!title.includes(only)) return;
    try {
      const signal = AbortSignal.timeout(CASE_MS_MAX);
      const late = new Promise<never>((_, reject) => {
        signal.onabort = () => reject(new Error("it takes too long"));
      });
      const seen = await Promise.race([run(), late]);
      console.log(`ok      ${title}${seen === undefined ? "" : `, ${JSON.stringify(seen)}`}`);
      count.passed++;
    } catch (error) {
      console.log(`FAIL    ${title}: ${error instanceof Error ? error.stack : error}`);
      count.failed.push(title);
    }
  };
  for (const { name, run } of behaviour) await attempt(name, () => run(() => connect(address)));
  for (const { name, run } of messaging) {
    await attempt(name, async () => {
      await using connection = await connect(address);
      await run(connection);
    });
  }
  const { restart } = rabbitmq;
  if (restart !== undefined) {
    await attempt("it goes on when the node is stopped and started under load", async () => {
      await using connection = await connect({
        ...address,
        recovery: { initialDelayMs: 50, maxDelayMs: 500 },
      });
      return await restartUnderLoad(connection, { restart }, RESTARTS);
    });
  }
  return count;
}
