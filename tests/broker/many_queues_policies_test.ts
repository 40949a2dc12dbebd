import { assert, assertEquals, assertRejects } from "@std/assert";
import { Broker } from "../../mod.ts";
import { GoingMessage } from "../support/going_message.ts";
import { longestTurn, PAUSE_MAX } from "../support/longest_turn.ts";
import { standingTime } from "../support/standing_time.ts";

const QUEUES = 50_000;
/** As many as do not get their turn in one slice. */
const SOME = 10_000;
/** So long a few of them take, on a machine of any speed. */
const A_BATCH_MS = 0.1;
const FIRST = "queue.0";

const lastOf = (count: number) => `queue.${count - 1}`;

/** A broker with many queues, of which the first and the last hold three messages each. */
async function brokerWithQueues(count: number): Promise<Broker> {
  const broker = new Broker();
  for (let number = 0; number < count; number++) {
    void broker.declareQueue({ queue: `queue.${number}` });
  }
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  for (const routingKey of [FIRST, lastOf(count)]) {
    for (let times = 0; times < 3; times++) await channel.basicPublish({ routingKey }, "x");
  }
  return broker;
}

/** How many messages wait in the queues of these names, in the order in which the broker has them. */
function lengths(broker: Broker, ...names: readonly string[]): number[] {
  const found = [...broker.queues()].filter(({ name }) => names.includes(name));
  return found.map(({ messages }) => messages);
}

Deno.test("a policy for 50 000 queues is put into effect while messages go on, and so is its end", async () => {
  await using broker = await brokerWithQueues(QUEUES);
  await using going = await GoingMessage.start(broker);
  const changes: readonly (readonly [what: string, change: () => Promise<void>])[] = [
    [
      "set",
      () => broker.setPolicy({ name: "p", pattern: "^queue", definition: { "max-length": 2 } }),
    ],
    [
      "set of operators",
      () => broker.setOperatorPolicy({ name: "o", pattern: ".*", definition: { "max-length": 1 } }),
    ],
    ["deletion", () => broker.deletePolicy("p")],
    ["deletion of operators", () => broker.deleteOperatorPolicy("o")],
  ];
  for (const [what, change] of changes) {
    const pause = await longestTurn(() =>
      going.during(what, async () => {
        // what is deleted has to be there each time
        if (what.startsWith("deletion")) await changes[what === "deletion" ? 0 : 1]![1]();
        await change();
      })
    );
    assert(pause <= PAUSE_MAX, `${what}: the event loop stood still for ${pause} ms`);
  }
  assertEquals(lengths(broker, FIRST, lastOf(QUEUES)), [1, 1]);
});

Deno.test("a policy of few queues is in effect at once, before anybody waits for it", async () => {
  await using broker = new Broker();
  await broker.declareQueue({ queue: "q" });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  for (let count = 0; count < 3; count++) await channel.basicPublish({ routingKey: "q" }, "x");
  const set = broker.setPolicy({ name: "p", pattern: ".*", definition: { "max-length": 1 } });
  assertEquals(lengths(broker, "q"), [1]);
  await set;
});

Deno.test("policies that are set while others are put into effect hold in the end, for all queues", async () => {
  await using broker = await brokerWithQueues(SOME);
  using _time = standingTime(A_BATCH_MS);
  const policy = (maxLength: number) =>
    broker.setPolicy({ name: "p", pattern: ".*", definition: { "max-length": maxLength } });
  const first = policy(2);
  assertEquals(lengths(broker, FIRST, lastOf(SOME)), [2, 3], "the last has not had its turn");
  const second = policy(1);
  // it is made anew in the meantime
  await broker.deleteQueue({ queue: "queue.9998" });
  await broker.declareQueue({ queue: "queue.9998" });
  await Promise.all([first, second]);
  assertEquals(lengths(broker, FIRST, lastOf(SOME)), [1, 1]);
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  for (const routingKey of ["queue.9997", "queue.9998"]) {
    for (let count = 0; count < 3; count++) await channel.basicPublish({ routingKey }, "x");
    assertEquals(lengths(broker, routingKey), [1], routingKey);
  }
});

Deno.test("a vhost that goes, or a broker that closes, while a policy is put into effect harms nobody", async () => {
  using _time = standingTime(A_BATCH_MS);
  const broker = await brokerWithQueues(SOME);
  const definition = { "max-length": 1 };
  const late = broker.setPolicy({ name: "p", pattern: ".*", definition });
  await broker.deleteVhost("/");
  await late;
  await broker.addVhost("/");
  assertEquals(broker.policies(), []);
  await broker.close();

  const closing = await brokerWithQueues(SOME);
  const refused = closing.setPolicy({ name: "p", pattern: ".*", definition });
  const error = assertRejects(() => refused, TypeError, "Cannot change anything: broker is closed");
  await closing.close();
  await error;
});
