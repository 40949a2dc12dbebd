import { assert, assertEquals } from "@std/assert";
import { Broker } from "../../mod.ts";
import { exposeMetrics } from "../../broker/prometheus/mod.ts";
import { GoingMessage } from "../support/going_message.ts";
import { longestTurn, PAUSE_MAX } from "../support/longest_turn.ts";

const QUEUES = 50_000;
/** What `/metrics/per-object` has of each queue, in lines. */
const LINES_MIN = 12;

/** A broker with very many queues. Some hold something, so that there are sums to look at. */
async function brokerWithQueues(options: { readonly quorum: boolean }): Promise<Broker> {
  const broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  const arguments_ = options.quorum ? { "x-queue-type": "quorum" } : {};
  for (let number = 0; number < QUEUES; number++) {
    const queue = `queue.${number}`;
    await broker.declareQueue({ queue, durable: true, arguments: arguments_ });
  }
  await channel.confirmSelect();
  for (let number = 0; number < 100; number++) {
    await channel.basicPublish({ routingKey: `queue.${49_900 + number}` }, "x");
  }
  return broker;
}

for (const quorum of [false, true]) {
  const type = quorum ? "quorum" : "classic";
  Deno.test(`metrics of 50 000 ${type} queues are summed up, and told one by one, while messages go on`, async () => {
    await using broker = await brokerWithQueues({ quorum });
    using metrics = exposeMetrics(broker);
    await using going = await GoingMessage.start(broker);
    const paths: readonly (readonly [path: string, queues: string, lines: number])[] = [
      ["/metrics", "rabbitmq_queues", 0],
      ["/metrics/per-object", "rabbitmq_queues", LINES_MIN * QUEUES],
      ["/metrics/detailed?family=queue_coarse_metrics&family=queue_consumer_count", "", 4 * QUEUES],
    ];
    for (const [path, queues, linesMin] of paths) {
      const look = async () => {
        const { body } = await metrics.handle(new Request(`http://localhost${path}`));
        let tail = "";
        let lines = 0;
        const decoder = new TextDecoder();
        for await (const chunk of body!) {
          for (const byte of chunk) if (byte === 10) lines++;
          if (queues === "") continue;
          tail += decoder.decode(chunk, { stream: true });
          const found = tail.match(new RegExp(`^${queues} (\\d+)\n`, "m"));
          if (found === null) tail = tail.slice(tail.lastIndexOf("\n") + 1);
          else assertEquals(Number(found[1]), QUEUES + 1);
        }
        assert(lines > linesMin, `${path}: ${lines} lines`);
      };
      const pause = await longestTurn(() => going.during(path, look));
      assert(pause <= PAUSE_MAX, `${path}: the event loop stood still for ${pause} ms`);
    }
  });
}
