import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Program, ROOT } from "../cli/program.ts";
import { type CollectedSpan, Collector } from "./collector.ts";

/** What the program that is served may do, as README has it, and nothing for OpenTelemetry. */
const PERMISSIONS = ["--allow-net", "--allow-env=WARREN_DEFAULT_USER,WARREN_DEFAULT_PASS"];
const SERVE = ["--memory", "--port=0", "--host=127.0.0.1"];

Deno.test("spans of client and broker reach a collector, each with the right parent", async () => {
  await using collector = new Collector();
  const env = collector.env("warren");
  await using broker = new Program(
    { permissions: ["-A"], env },
    ...SERVE,
    "--trace-messages=continued",
  );
  const lines = await broker.linesUntil(/Server startup complete/);
  const url = lines.map((line) => /amqp:\S+/.exec(line)?.[0]).find((one) => one !== undefined)!;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "tests/opentelemetry/traced_program.ts", url],
    cwd: ROOT,
    env: { ...collector.env("shop"), NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  assertEquals([code, text.decode(stderr)], [0, ""]);
  broker.signal("SIGTERM");
  assertEquals((await broker.ended()).code, 0);

  const messages = collector.spans.filter(({ kind }) => kind === 4 || kind === 5);
  const byId = new Map(collector.spans.map((span) => [span.spanId, span]));
  const buy = collector.spans.find(({ name }) => name === "buy")!;
  const ofBuy = messages.filter(({ traceId }) => traceId === buy.traceId);
  const step = ({ service, name, kind }: CollectedSpan) =>
    `${service} ${kind === 4 ? "producer" : "consumer"} ${name}`;
  const way = (span: CollectedSpan): string[] => {
    const parent = byId.get(span.parentSpanId);
    return parent === undefined ? [] : parent === buy ? [step(span)] : [...way(parent), step(span)];
  };
  const leaves = ofBuy.filter(({ spanId }) =>
    !ofBuy.some(({ parentSpanId }) => parentSpanId === spanId)
  );
  assertEquals(leaves.map(way), [[
    "shop producer send orders",
    "warren consumer publish orders",
    "warren producer deliver orders",
    "shop consumer process orders",
    "shop producer send prices",
    "warren consumer publish prices",
    "warren producer deliver prices",
    "shop consumer process prices",
    // the name of who asked is made up
    "shop producer send",
    "warren consumer publish",
    "warren producer deliver",
  ]]);

  const [send] = ofBuy.filter(({ name }) => name === "send orders");
  const { "server.port": port, "messaging.message.body.size": size, ...others } = send!.attributes;
  assertEquals([port, size], [Number(new URL(url).port), 12]);
  assertEquals(others, {
    "messaging.system": "rabbitmq",
    "messaging.operation.name": "send",
    "messaging.operation.type": "send",
    "messaging.destination.name": "orders",
    "messaging.rabbitmq.destination.routing_key": "orders",
    "messaging.message.id": "order-1",
    "server.address": "127.0.0.1",
  });
  const [deliver] = ofBuy.filter(({ name }) => name === "deliver orders");
  assertEquals(deliver!.attributes["messaging.rabbitmq.message.delivery_tag"], 1);
  assertEquals(deliver!.attributes["warren.vhost"], "/");
  assertEquals(deliver!.scope, "warren");

  // what carried no recorded trace came through as it was
  const [nothing, unrecorded, foreign] = text.decode(stdout).trim().split("\n")
    .map((line) => JSON.parse(line));
  assertEquals(nothing, {});
  assertEquals(unrecorded, {
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
    tracestate: "vendor=1",
  });
  const ofForeign = messages.filter(({ traceId }) => traceId === "a".repeat(32));
  assertEquals(ofForeign.map(({ name }) => name.split(" ")[0]), ["publish", "get"]);
  const [publish, get] = ofForeign;
  assertEquals([publish!.parentSpanId, get!.parentSpanId], ["b".repeat(16), publish!.spanId]);
  assertEquals(foreign, {
    traceparent: `00-${"a".repeat(32)}-${get!.spanId}-01`,
    tracestate: "vendor=1",
  });
  assertEquals(
    messages.filter(({ traceId }) => ![buy.traceId, "a".repeat(32)].includes(traceId)),
    [],
    "nothing else begins a trace",
  );
});

Deno.test("--trace-messages=all begins a trace for each message that carries none", async () => {
  await using collector = new Collector();
  const env = collector.env("warren");
  await using broker = new Program({ permissions: ["-A"], env }, ...SERVE, "--trace-messages=all");
  const lines = await broker.linesUntil(/Server startup complete/);
  const url = lines.map((line) => /amqp:\S+/.exec(line)?.[0]).find((one) => one !== undefined)!;
  const { connect } = await import("@warren/amqp");
  {
    await using connection = await connect(url, { recovery: false });
    const channel = await connection.openChannel();
    await channel.queueDeclare("q");
    channel.basicPublish({ exchange: "amq.direct", routingKey: "lost" }, "body");
    channel.basicPublish({ routingKey: "q" }, "body");
    const { properties } = (await channel.basicGet("q", { noAck: true }))!;
    assert(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/.test(`${properties.headers?.["traceparent"]}`));
  }
  broker.signal("SIGTERM");
  await broker.ended();
  const told = collector.spans.filter(({ scope }) => scope === "warren")
    .map(({ name, attributes }) => `${name} ${attributes["warren.queues"] ?? "-"}`);
  assertEquals(told, ["publish amq.direct:lost 0", "publish q 1", "get q -"]);
});

Deno.test("--trace-messages says so when OpenTelemetry is off", async () => {
  await using broker = new Program(
    { permissions: PERMISSIONS, env: { OTEL_DENO: "false" } },
    ...SERVE,
    "--trace-messages=continued",
  );
  const { code, stderr } = await broker.ended();
  assertEquals(code, 1);
  assertStringIncludes(stderr, "set OTEL_DENO=true");
});
