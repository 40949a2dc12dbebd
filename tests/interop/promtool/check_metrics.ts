/**
 * Prometheus's own tool finds nothing wrong with the metrics of a broker in use.
 *
 * @module
 */
import { connect } from "../../../mod.ts";

const base = `http://127.0.0.1:${Deno.env.get("PROMETHEUS_PORT")}`;
const PATHS = [
  "/metrics",
  "/metrics/per-object",
  "/metrics/detailed?family=queue_coarse_metrics&family=queue_consumer_count&family=channel_metrics" +
  "&family=connection_coarse_metrics&family=exchange_bindings&family=vhost_status",
];
/** What RabbitMQ tells of its virtual machine, which has names of its own. */
const ERLANG = /^(?:# \w+ )?erlang_(?:vm|mnesia)_.*\n/gm;

await using connection = await connect(Deno.env.get("AMQP_URL")!);
const channel = await connection.openChannel();
await channel.confirmSelect();
for (const queue of ["promtool", 'prom"tool\\ é']) {
  await channel.queueDeclare(queue, { exclusive: true });
  await channel.basicPublish({ routingKey: queue }, "x");
  await channel.basicConsume(queue, {}, () => {});
}
await channel.waitForConfirms();

for (const path of PATHS) {
  const response = await fetch(base + path);
  const text = (await response.text()).replaceAll(ERLANG, "");
  if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
  if (!text.includes("rabbitmq_build_info")) throw new Error(`${path} tells nothing`);
  const promtool = new Deno.Command("promtool", {
    args: ["check", "metrics"],
    stdin: "piped",
    stderr: "inherit",
    stdout: "inherit",
  }).spawn();
  const writer = promtool.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code } = await promtool.status;
  if (code !== 0) throw new Error(`${path}: promtool ends with ${code}`);
}
