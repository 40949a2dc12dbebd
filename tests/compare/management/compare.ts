import { Broker } from "../../../broker/broker.ts";
import { manage } from "../../../broker/management/mod.ts";
import { connect, type Connection } from "../../../mod.ts";
import { type Answer, ask, askAgain } from "./ask.ts";
import { carryDefinitions } from "./carry.ts";
import { EXPLAINED, type ExplainedDifference } from "./differences.ts";
import { type Generation, PROFILES } from "../generation.ts";
import { type ApiRequest, CHANGING, LOOKING } from "./requests.ts";
import { differentOrder } from "./order.ts";
import { differences, shapeOf } from "./shape.ts";

/** RabbitMQ tells of what happened some seconds later: it is asked so often, and so many times. */
const ASK_AGAIN_MS = 500;
const ASK_TIMES = 240;

/** One request, and how the answers differ. */
export interface RequestComparison {
  readonly title: string;
  /** What differs without a reason. */
  readonly unexplained: readonly string[];
  /** What differs with one. */
  readonly explained: readonly string[];
}

/** What RabbitMQ needs in its configuration. */
export function managementConfiguration(port: number): string {
  return `management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = ${port}\n` +
    "collect_statistics_interval = 1000\n";
}

/**
 * Asks both the same, and compares the answers: status, keys, types; of errors every letter.
 *
 * @param amqp The AMQP port of RabbitMQ.
 * @param http The port of its management API.
 * @param generation Which RabbitMQ it is.
 */
export async function* compareManagement(
  { amqp, http, generation }: {
    readonly amqp: number;
    readonly http: number;
    readonly generation: Generation;
  },
): AsyncGenerator<RequestComparison> {
  const dataDir = await Deno.makeTempDir({ prefix: "compare-management-" });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(dataDir, { recursive: true }));
  await using broker = new Broker({
    profile: PROFILES[generation],
    passwordHashing: "rabbitmq-sha256",
    // so that limits of memory and disk are told
    memoryHighWatermark: 0.9,
    dataDir,
  });
  await using server = await broker.listen({ port: 0 });
  using management = manage(broker);
  await using api = await management.serve({ port: 0 });
  await using theirs = await furnish(amqp);
  await using ours = await furnish(server.port);
  const unused = new Set(EXPLAINED.filter(({ from }) => from === undefined || from === generation));
  const reasons = [...unused];
  const both = [`http://127.0.0.1:${http}`, api.url] as const;
  await knowsAll(both[0]);
  const requests = [...LOOKING, ...byName(await namesOf(both[0]), await namesOf(both[1]))];
  for (const request of [...requests, ...CHANGING.map((one) => [one, one] as const)]) {
    const [first, second] = Array.isArray(request) ? request : [request, request];
    const rabbitmq = await askAgain(both[0], first);
    const warren = await ask(both[1], second);
    yield compareAnswers(first, rabbitmq, warren, { reasons, unused });
  }
  // they were open while all was asked
  await Promise.all([theirs.connection.close(), ours.connection.close()]);
  yield await carryDefinitions(both[0]);
  for (const { request, line, reason } of unused) {
    yield {
      title: `${request} ${line}`,
      unexplained: [`nothing differs like that any more: ${reason}`],
      explained: [],
    };
  }
}

function compareAnswers(
  { method, path, user, body }: ApiRequest,
  rabbitmq: Answer,
  warren: Answer,
  { reasons, unused }: {
    readonly reasons: readonly ExplainedDifference[];
    readonly unused: Set<ExplainedDifference>;
  },
): RequestComparison {
  const given = body === undefined ? "" : ` ${JSON.stringify(body).slice(0, 100)}`;
  const title = `${method} ${path}${user === undefined ? "" : ` as '${user}'`}${given}`;
  const lines: string[] = [];
  for (const field of ["status", "location", "allow"] as const) {
    if (rabbitmq[field] !== warren[field]) {
      lines.push(`${field}: ${rabbitmq[field]} in RabbitMQ, ${warren[field]} in Warren`);
    }
  }
  if (rabbitmq.status === warren.status) {
    if (rabbitmq.status >= 400 && typeof rabbitmq.body === "object") {
      const [one, other] = [rabbitmq.body, warren.body].map((each) => JSON.stringify(each));
      if (one !== other) lines.push(`error: ${one} in RabbitMQ, ${other} in Warren`);
    } else {
      lines.push(...differences(shapeOf(rabbitmq.body), shapeOf(warren.body)));
      lines.push(...differentOrder(rabbitmq.body, warren.body));
    }
  }
  const explained: string[] = [];
  const unexplained = lines.filter((text) => {
    const reason = reasons.find(({ request, line }) =>
      request.test(title) && atName(line).test(text)
    );
    if (reason === undefined) return true;
    unused.delete(reason);
    explained.push(`${text} (${reason.reason})`);
    return false;
  });
  return { title, unexplained, explained };
}

/** A pattern that begins where a name in a path does: `type` is not to explain `consumer_type`. */
function atName({ source }: RegExp): RegExp {
  return new RegExp(`(?:^|[.\\]])(?:${source})`);
}

/** The names that each of the two has chosen itself. */
async function namesOf(base: string) {
  const headers = { authorization: `Basic ${btoa("guest:guest")}` };
  const first = async (kind: string): Promise<{ readonly name: string } | undefined> => {
    const response = await fetch(`${base}/api/${kind}?columns=name`, { headers });
    return (await response.json())[0];
  };
  const [connection, node] = [await first("connections"), await first("nodes")];
  return { connection: encodeURIComponent(connection!.name), node: node!.name };
}

/** What the management API says once it knows all that `furnish` has done: connections, channels, queues
 * and the node tell of themselves in their own time, some of it earlier than the rest. */
const KNOWN: readonly (readonly [path: string, known: Shown])[] = [
  ["/connections", { state: "running", channels: 1 }],
  ["/channels", { message_stats: { publish: 22, confirm: 22, deliver: 1, get: 1, get_no_ack: 1 } }],
  ["/queues/%2F/orders", { messages: 19, message_stats: { publish: 20, get: 1, get_no_ack: 1 } }],
  ["/queues/%2F/held", { messages: 1, message_stats: { publish: 1, deliver: 1 } }],
  ["/queues/%2F/log", { messages: 0 }],
  ["/queues/%2F/mine", { messages: 0 }],
  ["/exchanges/%2F/ex", { message_stats: { publish_in: 21, publish_out: 20 } }],
  ["/vhosts/%2F", { messages: 20, message_stats: { publish: 22, confirm: 22, get: 1 } }],
  ["/overview", { queue_totals: { messages: 20 }, message_stats: { publish: 22, get: 1 } }],
  ["/nodes", { running: true, type: "disc" }],
];

/** Fields that an answer has to have, with these values. */
interface Shown {
  readonly [field: string]: string | number | boolean | Shown;
}

/** Waits until a management API tells of what was made last. */
async function knowsAll(base: string): Promise<void> {
  const missing = new Map(KNOWN);
  for (let time = 0; time < ASK_TIMES; time++) {
    for (const [path, known] of missing) {
      const { body } = await ask(base, { method: "GET", path });
      if (shows(Array.isArray(body) ? body[0] : body, known)) missing.delete(path);
    }
    if (missing.size === 0) return;
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
  throw new Error(`RabbitMQ's management API does not tell all of ${[...missing.keys()]}`);
}

function shows(body: unknown, known: Shown): boolean {
  const fields = (body ?? {}) as Readonly<Record<string, unknown>>;
  return Object.entries(known).every(([name, value]) =>
    typeof value === "object" ? shows(fields[name], value) : fields[name] === value
  );
}

type Names = Awaited<ReturnType<typeof namesOf>>;

function byName(theirs: Names, ours: Names): (readonly [ApiRequest, ApiRequest])[] {
  const requests = ({ connection, node }: Names): ApiRequest[] =>
    [
      `/connections/${connection}`,
      `/connections/${connection}/channels`,
      `/channels/${connection}%20(1)`,
      `/nodes/${node}`,
      `/nodes/${node}/memory`,
    ].map((path) => ({ method: "GET", path }));
  const own = requests(ours);
  return requests(theirs).map((request, index) => [request, own[index]!]);
}

/** Makes what there is to be seen. It stays as long as the connection. */
async function furnish(port: number): Promise<AsyncDisposable & { connection: Connection }> {
  const connection = await connect(`amqp://127.0.0.1:${port}`);
  const channel = await connection.openChannel();
  await channel.queueDeclare("orders", { durable: true });
  await channel.queueDeclare("held", { durable: true, arguments: { "x-max-length": 5 } });
  await channel.queueDeclare("log", { durable: true, arguments: { "x-queue-type": "stream" } });
  await channel.queueDeclare("mine", { exclusive: true });
  await channel.exchangeDeclare("ex", "topic", { durable: true });
  const binding = { queue: "orders", exchange: "ex" };
  await channel.queueBind({ ...binding, routingKey: "a.b" });
  // no number: RabbitMQ reads one from JSON as another type than this, and adds a second binding
  await channel.queueBind({ ...binding, arguments: { x: "1" } });
  await channel.queueBind({ ...binding, routingKey: "with space~and/é" });
  await channel.exchangeBind({ destination: "ex", source: "amq.fanout", routingKey: "z" });
  await channel.basicConsume("held", {}, () => {});
  for (const consumerTag of ["b", "c", "a"]) {
    await channel.basicConsume("mine", { consumerTag }, () => {});
  }
  await channel.confirmSelect();
  for (let count = 0; count < 20; count++) {
    await channel.basicPublish({ exchange: "ex", routingKey: "a.b" }, `hello ${count}`);
  }
  await channel.basicPublish({ routingKey: "held" }, "x");
  await channel.basicPublish({ exchange: "ex", routingKey: "nowhere" }, "x");
  await channel.basicGet("orders", { noAck: true });
  await channel.basicGet("orders");
  return { connection, [Symbol.asyncDispose]: () => connection.close().then(() => {}) };
}
