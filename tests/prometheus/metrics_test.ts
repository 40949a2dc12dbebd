import { assert, assertEquals, assertMatch } from "@std/assert";
import { Broker } from "../../mod.ts";
import { exposeMetrics, serveMetrics } from "../../broker/prometheus/mod.ts";
import { CA, certificate } from "../support/certificates.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { ExposedBroker } from "./support.ts";

Deno.test("/metrics sums up what waits, what went through and what there is", async () => {
  await using exposed = new ExposedBroker();
  const connection = await exposed.broker.connect();
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  await channel.queueDeclare("orders");
  await channel.queueDeclare("news");
  await channel.queueBind({ queue: "orders", exchange: "amq.fanout" });
  await channel.queueBind({ queue: "news", exchange: "amq.fanout" });
  for (let count = 0; count < 3; count++) {
    await channel.basicPublish({ exchange: "amq.fanout" }, "xy");
  }
  await channel.basicPublish({ routingKey: "nowhere" }, "x");
  await channel.basicPublish({ routingKey: "nowhere", mandatory: true }, "x");
  (await channel.basicGet("orders"))!.ack();
  await channel.basicGet("orders");
  await channel.basicGet("news", { noAck: true });
  await channel.queueDeclare("empty");
  await channel.basicGet("empty");

  const metrics = await exposed.values("/metrics");
  assertEquals(metrics.pick("rabbitmq_queue_messages_ready", "rabbitmq_queue_messages_unacked"), [
    3,
    1,
  ]);
  assertEquals(metrics.pick("rabbitmq_queue_messages", "rabbitmq_queue_messages_ready_bytes"), [
    4,
    6,
  ]);
  assertEquals(
    metrics.pick(
      "rabbitmq_queues",
      "rabbitmq_channels",
      "rabbitmq_connections",
      "rabbitmq_consumers",
    ),
    [3, 1, 1, 0],
  );
  const amqp = '{protocol="amqp091"}';
  assertEquals(
    metrics.pick(
      `rabbitmq_global_messages_received_total${amqp}`,
      `rabbitmq_global_messages_received_confirm_total${amqp}`,
      `rabbitmq_global_messages_confirmed_total${amqp}`,
      `rabbitmq_global_messages_routed_total${amqp}`,
      `rabbitmq_global_messages_unroutable_dropped_total${amqp}`,
      `rabbitmq_global_messages_unroutable_returned_total${amqp}`,
      `rabbitmq_global_publishers${amqp}`,
    ),
    [5, 5, 5, 6, 1, 1, 1],
  );
  const classic = '{protocol="amqp091",queue_type="rabbit_classic_queue"}';
  assertEquals(
    metrics.pick(
      `rabbitmq_global_messages_delivered_total${classic}`,
      `rabbitmq_global_messages_delivered_get_manual_ack_total${classic}`,
      `rabbitmq_global_messages_delivered_get_auto_ack_total${classic}`,
      `rabbitmq_global_messages_get_empty_total${classic}`,
      `rabbitmq_global_messages_acknowledged_total${classic}`,
    ),
    [3, 2, 1, 1, 1],
  );
});

Deno.test("sizes of published messages are a histogram, at both endpoints", async () => {
  await using exposed = new ExposedBroker();
  const channel = await (await exposed.broker.connect()).openChannel();
  for (const size of [0, 100, 101, 1000, 1001, 100_000, 2_000_000]) {
    channel.basicPublish({ routingKey: "nowhere" }, new Uint8Array(size));
  }
  await channel.close();
  const name = "rabbitmq_message_size_bytes";
  const limits = ["100", "1000", "10000", "100000", "1000000", "10000000", "100000000", "+Inf"];
  for (const path of ["/metrics", "/metrics/per-object"]) {
    const metrics = await exposed.values(path);
    assertEquals(
      metrics.pick(...limits.map((le) => `${name}_bucket{protocol="amqp091",le="${le}"}`)),
      [2, 4, 5, 6, 6, 7, 7, 7],
    );
    assertEquals(
      metrics.pick(`${name}_sum{protocol="amqp091"}`, `${name}_count{protocol="amqp091"}`),
      [2_102_202, 7],
    );
  }
});

Deno.test("what a queue holds, and where, is told of each and in all", async () => {
  await using exposed = new ExposedBroker();
  const channel = await (await exposed.broker.connect()).openChannel();
  await channel.queueDeclare("q");
  for (let count = 0; count < 3; count++) {
    channel.basicPublish({ routingKey: "q" }, new Uint8Array(10));
  }
  await channel.basicGet("q");
  for (
    const [path, labels] of [["/metrics", ""], ["/metrics/per-object", '{vhost="/",queue="q"}']]
  ) {
    const metrics = await exposed.values(path!);
    const names = [
      "messages_bytes",
      "messages_ready_bytes",
      "messages_unacked_bytes",
      "messages_ram",
      "messages_ram_bytes",
      "messages_ready_ram",
      "messages_unacked_ram",
      "messages_persistent",
      "messages_persistent_bytes",
      "consumer_capacity",
    ];
    assertEquals(
      metrics.pick(...names.map((name) => `rabbitmq_queue_${name}${labels}`)),
      [30, 20, 10, 3, 30, 2, 1, 0, 0, 0],
    );
    assert(metrics.pick(`rabbitmq_queue_process_memory_bytes${labels}`)[0]! > 30);
  }
});

Deno.test("deliveries are told by the type of their queue", async () => {
  await using exposed = new ExposedBroker();
  const channel = await (await exposed.broker.connect()).openChannel();
  await channel.queueDeclare("c");
  await channel.queueDeclare("q", { durable: true, arguments: { "x-queue-type": "quorum" } });
  for (const [queue, count] of [["c", 1], ["q", 2]] as const) {
    for (let at = 0; at < count; at++) {
      await channel.basicPublish({ routingKey: queue }, "x");
      (await channel.basicGet(queue))!.ack();
    }
  }
  const acked = async () => {
    const metrics = await exposed.values("/metrics");
    return ["classic", "quorum", "stream"].map((type) =>
      metrics.get(
        `rabbitmq_global_messages_acknowledged_total{protocol="amqp091",queue_type="rabbit_${type}_queue"}`,
      )
    );
  };
  await channel.queueDeclare("q", { durable: true, passive: true }); // behind the acks
  assertEquals(await acked(), [1, 2, 0]);
  await channel.queueDelete("q");
  assertEquals(await acked(), [1, 2, 0]);
});

Deno.test("no counter falls when a connection, an exchange, a queue or a vhost goes", async () => {
  await using exposed = new ExposedBroker();
  await exposed.broker.addVhost("v");
  const connection = await exposed.broker.connect({ vhost: "v" });
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("e", "fanout");
  await channel.queueDeclare("q");
  await channel.queueBind({ queue: "q", exchange: "e" });
  await channel.basicPublish({ exchange: "e" }, "x");
  (await channel.basicGet("q"))!.ack();
  await channel.queueDeclare("q", { passive: true });
  const counters = async () => {
    const text = await exposed.text("/metrics");
    const names = [...text.matchAll(/^# TYPE (\w+) counter$/gm)].map((match) => match[1]!);
    const metrics = await exposed.values("/metrics");
    return new Map([...metrics.all].filter(([name]) => names.includes(name.split("{")[0]!)));
  };
  const before = await counters();
  assertEquals(before.get('rabbitmq_global_messages_routed_total{protocol="amqp091"}'), 1);
  await channel.exchangeDelete("e");
  await connection.close();
  await exposed.broker.deleteVhost("v");
  const after = await counters();
  assertEquals([...before].filter(([name, value]) => !(after.get(name)! >= value)), []);
});

Deno.test("/metrics/per-object tells of each queue, channel and connection, in labels that are escaped", async () => {
  await using exposed = new ExposedBroker();
  const connection = await exposed.broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare('a"b\\c');
  await channel.basicPublish({ routingKey: 'a"b\\c' }, "xyz");
  const metrics = await exposed.values("/metrics/per-object");
  const labels = '{vhost="/",queue="a\\"b\\\\c"}';
  assertEquals(
    metrics.pick(
      `rabbitmq_queue_messages_ready${labels}`,
      `rabbitmq_queue_messages_ready_bytes${labels}`,
      `rabbitmq_queue_exchange_messages_published_total${labels}`,
    ),
    [1, 3, 1],
  );
  const name = [...exposed.broker.channels()][0]!.name;
  assertEquals(
    metrics.pick(
      `rabbitmq_channel_messages_published_total{channel="${name}",vhost="/"}`,
      `rabbitmq_channel_consumers{channel="${name}"}`,
      `rabbitmq_connection_channels{channel="${name.replace(" (1)", "")}"}`,
      'rabbitmq_exchange_messages_published_total{vhost="/",exchange=""}',
    ),
    [1, 0, 1, 1],
  );
  assertEquals(metrics.get("rabbitmq_queues"), 1);
  assertMatch(await exposed.text("/metrics/per-object"), /rabbitmq_endpoint="per-object"/);
});

Deno.test("/metrics/detailed tells the families that are asked for, of the vhosts and queues that are", async () => {
  await using exposed = new ExposedBroker();
  await exposed.broker.addVhost("v");
  for (const vhost of ["/", "v"]) {
    for (const queue of ["orders", "news"]) await exposed.broker.declareQueue({ vhost, queue });
  }
  const names = async (query: string) => {
    const { all } = await exposed.values(`/metrics/detailed${query}`);
    return [...all.keys()].filter((name) => /^rabbitmq_(detailed|cluster)_/.test(name));
  };
  assertEquals(await names(""), []);
  assertEquals(await names("?family=nosuch"), []);
  assertEquals(
    (await names("?family=queue_consumer_count&vhost=v&vhost=nosuch&queue=%5Eord")).sort(),
    [
      'rabbitmq_detailed_queue_consumers{vhost="v",queue="orders"}',
      'rabbitmq_detailed_queue_info{vhost="v",queue="orders",queue_type="rabbit_classic_queue",membership="leader"}',
    ],
  );
  assertEquals(
    await names("?family=vhost_status"),
    ['rabbitmq_cluster_vhost_status{vhost="/"}', 'rabbitmq_cluster_vhost_status{vhost="v"}'],
  );
  const bindings = await names("?family=exchange_bindings&vhost=%2F");
  assert(
    bindings.includes(
      'rabbitmq_cluster_exchange_bindings{vhost="/",exchange="amq.topic",type="topic"}',
    ),
  );
  // one name comes once, though both families have it
  const both = await exposed.text(
    "/metrics/detailed?family=queue_metrics&family=queue_consumer_count",
  );
  assertEquals(both.match(/^# TYPE rabbitmq_detailed_queue_consumers /gm)?.length, 1);
});

Deno.test("what is not there, or makes no sense, is answered as RabbitMQ answers it", async () => {
  await using exposed = new ExposedBroker();
  const cases = [
    ["/", 404, '{"error":"Object Not Found","reason":"Not Found"}'],
    ["/metrics/nosuch", 404, "Unknown Registry"],
    ["/metrics/per-object/x", 404, '{"error":"Object Not Found","reason":"Not Found"}'],
    ["/metrics/detailed?queue=a&queue=b", 400, "Only one 'queue' query parameter is allowed"],
    ["/metrics/detailed?queue=%5E(a%2B)%2B%24", 400, undefined],
  ] as const;
  for (const [path, status, body] of cases) {
    const response = await exposed.ask(path);
    const text = await response.text();
    assertEquals(response.status, status, path);
    if (body !== undefined) assertEquals(text, body);
  }
  assertEquals((await exposed.ask("/metrics", "POST")).status, 405);
  const head = await exposed.ask("/metrics", "HEAD");
  assertEquals([head.status, await head.text()], [200, ""]);
  assertEquals(head.headers.get("content-type"), "text/plain; version=0.0.4");
});

Deno.test("logins, connections, channels and queues are counted as they come and go", async () => {
  await using exposed = new ExposedBroker();
  await using server = await exposed.broker.listen({ port: 0 });
  const { connect } = await import("../../mod.ts");
  {
    await using connection = await connect(`amqp://guest:guest@127.0.0.1:${server.port}`);
    const channel = await connection.openChannel();
    await channel.queueDeclare("q");
    await channel.queueDeclare("q"); // declared again, not made
    await channel.queueDeclare("q", { passive: true }); // that only asks
    await channel.queueDelete("q");
    await channel.close();
  }
  await connect(`amqp://guest:wrong@127.0.0.1:${server.port}`).catch(() => {});
  await exposed.broker.declareQueue({ queue: "r" });
  await endOfTurn(); // what comes and goes is told then
  const metrics = await exposed.values("/metrics");
  assertEquals(
    metrics.pick(
      "rabbitmq_connections_opened_total",
      "rabbitmq_channels_opened_total",
      "rabbitmq_channels_closed_total",
      "rabbitmq_queues_declared_total",
      "rabbitmq_queues_created_total",
      "rabbitmq_queues_deleted_total",
      'rabbitmq_auth_attempts_total{protocol="amqp091"}',
      'rabbitmq_auth_attempts_failed_total{protocol="amqp091"}',
    ),
    [1, 1, 1, 3, 2, 1, 2, 1],
  );
});

Deno.test("an alarm shows, and so does what is left of memory", async () => {
  await using exposed = new ExposedBroker({ memoryHighWatermark: 1 });
  const before = await exposed.values("/metrics");
  assertEquals(before.get("rabbitmq_alarms_memory_used_watermark"), 0);
  const limit = before.get("rabbitmq_resident_memory_limit_bytes")!;
  assert(limit > before.get("rabbitmq_process_resident_memory_bytes")!);
  exposed.broker.setMemoryHighWatermark(0);
  for (const path of ["/metrics", "/metrics/per-object"]) {
    const after = await exposed.values(path);
    assertEquals(
      after.pick(
        "rabbitmq_alarms_memory_used_watermark",
        "rabbitmq_alarms_free_disk_space_watermark",
      ),
      [1, 0],
      path,
    );
  }
});

Deno.test("segments are told of streams, and of what is none not", async () => {
  await using exposed = new ExposedBroker();
  const channel = await (await exposed.broker.connect()).openChannel();
  const stream = (bytes: number) => ({
    durable: true,
    arguments: { "x-queue-type": "stream", "x-stream-max-segment-size-bytes": bytes },
  });
  await channel.queueDeclare("s", stream(100));
  await channel.queueDeclare("t", stream(1_000_000));
  await channel.queueDeclare("q");
  for (const routingKey of ["s", "s", "s", "t", "t", "q"]) {
    channel.basicPublish({ routingKey }, new Uint8Array(200));
  }
  await channel.close();
  const name = "rabbitmq_stream_segments";
  const each = await exposed.values("/metrics/per-object");
  assertEquals(
    each.pick(`${name}{vhost="/",queue="s"}`, `${name}{vhost="/",queue="t"}`),
    [3, 1],
  );
  assertEquals(each.get(`${name}{vhost="/",queue="q"}`), undefined);
  assertEquals((await exposed.values("/metrics")).get(name), 4);
});

Deno.test("the node names itself as dashboards look for it", async () => {
  await using exposed = new ExposedBroker();
  await exposed.broker.setGlobalParameter("cluster_name", "burrow");
  const text = await exposed.text("/metrics");
  const { name } = exposed.broker.node();
  assertMatch(
    text,
    new RegExp(`^rabbitmq_identity_info\\{rabbitmq_node="${name}",rabbitmq_cluster="burrow",`, "m"),
  );
  assertMatch(text, /^rabbitmq_build_info\{rabbitmq_version="3\.13[^}]*product_name="Warren"/m);
});

Deno.test("two that ask at the same time get the same", async () => {
  await using exposed = new ExposedBroker();
  await exposed.broker.declareQueue({ queue: "q" });
  const texts = await Promise.all(
    ["/metrics", "/metrics", "/metrics/per-object"].map((path) => exposed.values(path)),
  );
  assertEquals(texts.map((metrics) => metrics.get("rabbitmq_queues")), [1, 1, 1]);
});

Deno.test("serveMetrics() listens, and ends", async () => {
  await using broker = new Broker();
  const server = await serveMetrics(broker, { port: 0 });
  const response = await fetch(server.url);
  assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4");
  assertMatch(
    await response.text(),
    /^telemetry_scrape_duration_seconds|^# TYPE telemetry_scrape/m,
  );
  await server.close();
  const again = await serveMetrics(broker, { port: server.port });
  await again.close();
});

Deno.test("who lets everybody read metrics is warned", async () => {
  const logger = new RecordingLogger();
  await using broker = new Broker();
  using exposed = exposeMetrics(broker, { logger });
  await using _local = await exposed.serve({ port: 0 });
  const tls = { ...certificate("server"), ca: CA, verifyPeer: "fail-if-none" } as const;
  await using _known = await exposed.serve({ port: 0, hostname: "0.0.0.0", tls });
  assertEquals(logger.lines, []);
  await using open = await exposed.serve({ port: 0, hostname: "0.0.0.0" });
  assertEquals(logger.lines, [
    `warning: ${open.url} can be reached from elsewhere, and nobody has to log in: what is ` +
    "measured can be read by all, names of queues included",
  ]);
});
