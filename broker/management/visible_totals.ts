import type { JsonObject, JsonValue } from "../mod.ts";
import { Slices } from "../http/slices.ts";
import { visibleVhosts } from "./access.ts";
import { isObject } from "./body.ts";
import type { Call, Management } from "./context.ts";
import { LENGTHS, Stats } from "./stats.ts";

/**
 * What the overview counts, for somebody who may not see everything: what is in the vhosts that he may
 * enter, and his own connections.
 */
export async function visibleTotals(call: Call, management: Management): Promise<JsonObject> {
  const { broker, rates } = management;
  const { user } = call.var.session;
  const stats = new Stats(rates, call);
  const slices = new Slices();
  let queues = 0;
  let consumers = 0;
  let exchanges = 0;
  const none = Object.fromEntries(Object.keys(LENGTHS).map((name) => [name, 0]));
  const lengths = new Map(visibleVhosts(call, broker).map(({ name }) => [name, { ...none }]));
  for (const { vhost, values } of broker.meters("queue")) {
    if (slices.over) await slices.rest();
    const sums = lengths.get(vhost);
    if (sums === undefined) continue;
    queues++;
    consumers += values["consumers"] ?? 0;
    for (const name in sums) sums[name]! += values[name] ?? 0;
  }
  // samples are of one vhost each, and of the same times in all of them
  let messages: JsonObject = {};
  let totals = stats.lengths({ of: none, values: none });
  for (const meter of await broker.vhostMeters()) {
    const sums = lengths.get(meter.name);
    if (sums === undefined) continue;
    exchanges += broker.count("exchange", { vhost: meter.name });
    messages = added(messages, stats.messages(meter).message_stats ?? {});
    totals = added(totals, stats.lengths(rates.lengths(meter.name, sums)));
    if (slices.over) await slices.rest();
  }
  return {
    message_stats: messages,
    churn_rates: stats.churn(rates.comings()),
    queue_totals: totals,
    object_totals: {
      channels: broker.count("channel", { user }),
      connections: broker.count("connection", { user }),
      consumers,
      exchanges,
      queues,
    },
  };
}

/** The sum of two objects, number by number; times are those of both. */
function added(one: JsonObject, other: JsonObject): JsonObject {
  const sum: Record<string, JsonValue> = { ...one };
  for (const [name, value] of Object.entries(other)) {
    const before = sum[name];
    sum[name] = before === undefined || name === "timestamp" ? value : addedValue(before, value);
  }
  return sum;
}

function addedValue(one: JsonValue, other: JsonValue): JsonValue {
  if (typeof one === "number" && typeof other === "number") return one + other;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.map((value, at) => at < other.length ? addedValue(value, other[at]!) : value);
  }
  return isObject(one) && isObject(other) ? added(one, other) : one;
}
