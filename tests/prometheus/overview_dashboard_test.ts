import { assertEquals } from "@std/assert";
import { ExposedBroker } from "./support.ts";

/** What only Linux tells of a process. */
const OF_LINUX = ["rabbitmq_process_max_fds", "rabbitmq_process_open_fds"];

Deno.test("all that RabbitMQ's overview in Grafana asks for is told", async () => {
  const list = await Deno.readTextFile(new URL("overview_dashboard_metrics.txt", import.meta.url));
  const wanted = list.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assertEquals(wanted.length > 30, true);
  const dataDir = await Deno.makeTempDir({ prefix: "warren-overview-" });
  try {
    await using exposed = new ExposedBroker({ dataDir, memoryHighWatermark: 0.9 });
    const { all } = await exposed.values("/metrics");
    const told = new Set([...all.keys()].map((name) => name.replace(/\{.*/, "")));
    const elsewhere = Deno.build.os === "linux" ? [] : OF_LINUX;
    const missing = wanted.filter((name) => !told.has(name) && !elsewhere.includes(name));
    assertEquals(missing, []);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
