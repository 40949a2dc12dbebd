import { Slices } from "../../http/slices.ts";
import type { BindingInfo, JsonObject } from "../../mod.ts";
import { seesVhost, vhostOf } from "../access.ts";
import { actAs } from "../acting.ts";
import { isMeant, propertiesKey } from "../binding_key.ts";
import { argumentsOf, readObject, textOf } from "../body.ts";
import type { Api, Call, Management } from "../context.ts";
import { HttpError, notFound } from "../errors.ts";
import { answer, answerList, type Listing } from "../listing.ts";
import { toldArguments } from "../told_arguments.ts";
import { exchangeOf } from "./exchanges.ts";
import { findQueue } from "./queues.ts";

/** The letter in a path, and what it stands for. */
const DESTINATIONS = { q: "queue", e: "exchange" } as const;

/** Bindings: what there is, making and deleting. */
export function bindingRoutes(api: Api, management: Management): void {
  const { broker } = management;

  api.get("/api/bindings", (call) => {
    const sees = seesVhost(call);
    const { wanted, found } = chosen(call);
    const seen = (binding: BindingInfo) => sees(binding.vhost) && wanted(binding);
    return answerList(call, { ...listing(broker.bindings()), wanted: seen, found });
  });
  const list = (call: Call, rows: Iterable<BindingInfo>) =>
    answerList(call, { ...listing(rows), ...chosen(call) });
  api.get(
    "/api/bindings/:vhost",
    (call) => list(call, broker.bindings({ vhost: vhostOf(call, broker) })),
  );
  api.get("/api/queues/:vhost/:queue/bindings", (call) => {
    const { vhost, name: destination } = findQueue(call, management);
    const destinationType = "queue";
    return list(call, broker.bindings({ vhost, destination, destinationType }));
  });
  api.get("/api/exchanges/:vhost/:exchange/bindings/source", (call) => {
    const { vhost, exchange: source } = findExchange(call, management);
    return list(call, broker.bindings({ vhost, source }));
  });
  api.get("/api/exchanges/:vhost/:exchange/bindings/destination", (call) => {
    const { vhost, exchange: destination } = findExchange(call, management);
    const destinationType = "exchange";
    return list(call, broker.bindings({ vhost, destination, destinationType }));
  });

  for (const [letter, destinationType] of Object.entries(DESTINATIONS)) {
    const path = `/api/bindings/:vhost/e/:source/${letter}/:destination`;
    const ends = (call: Call, changing = false) => ({
      vhost: vhostOf(call, broker, changing),
      source: exchangeOf(call, "source"),
      destination: letter === "e"
        ? exchangeOf(call, "destination")
        : call.req.param("destination") ?? "",
      destinationType,
    });

    api.get(path, (call) => answerList(call, listing(broker.bindings(ends(call)))));

    api.post(path, async (call) => {
      const { vhost, source, destination } = ends(call, true);
      checkExist(management, { vhost, source, destination, destinationType });
      const body = await readObject(call);
      const routingKey = textOf(body, "routing_key", "");
      const arguments_ = argumentsOf(body);
      await actAs(
        call.var.session,
        vhost,
        (channel) =>
          destinationType === "queue"
            ? channel.queueBind({
              queue: destination,
              exchange: source,
              routingKey,
              arguments: arguments_,
            })
            : channel.exchangeBind({ destination, source, routingKey, arguments: arguments_ }),
      );
      const made = {
        vhost,
        source,
        destination,
        destinationType,
        routingKey,
        arguments: arguments_,
      };
      const key = encodeURIComponent(propertiesKey(made));
      return call.body(null, 201, { location: `${encodeURIComponent(destination)}/${key}` });
    });

    api.get(`${path}/:properties`, async (call) => {
      const found = await find(broker.bindings(ends(call)), call);
      return answer(call, describeBinding(found));
    });

    api.delete(`${path}/:properties`, async (call) => {
      const { vhost, ...between } = ends(call);
      const found = await find(broker.bindings({ vhost, ...between }), call);
      const { source, destination, routingKey, arguments: arguments_ } = found;
      await actAs(
        call.var.session,
        vhost,
        (channel) =>
          destinationType === "queue"
            ? channel.queueUnbind({
              queue: destination,
              exchange: source,
              routingKey,
              arguments: arguments_,
            })
            : channel.exchangeUnbind({ destination, source, routingKey, arguments: arguments_ }),
      );
      return call.body(null, 204);
    });
  }
}

async function find(bindings: Iterable<BindingInfo>, { req }: Call): Promise<BindingInfo> {
  const name = req.param("properties") ?? "";
  const slices = new Slices();
  for (const binding of bindings) {
    if (isMeant(binding, name)) return binding;
    if (slices.over) await slices.rest();
  }
  throw notFound();
}

function findExchange(call: Call, { broker }: Management): { vhost: string; exchange: string } {
  const where = { vhost: vhostOf(call, broker), exchange: exchangeOf(call) };
  const [found] = broker.exchanges(where);
  if (found === undefined) throw notFound();
  return where;
}

/** Who may not see a thing is told that it is not there, but who may is told what is missing. */
function checkExist(
  { broker }: Management,
  { vhost, source, destination, destinationType }: {
    readonly vhost: string;
    readonly source: string;
    readonly destination: string;
    readonly destinationType: "queue" | "exchange";
  },
): void {
  const missing = (kind: string, name: string) =>
    new HttpError(404, "not_found", `no ${kind} '${name}' in vhost '${vhost}'`);
  const exchange = (name: string) => broker.exchanges({ vhost, exchange: name }).next().value;
  if (exchange(source) === undefined) throw missing("exchange", source);
  const found = destinationType === "exchange"
    ? exchange(destination)
    : broker.queues({ vhost, queue: destination }).next().value;
  if (found === undefined) throw missing(destinationType, destination);
}

/**
 * What RabbitMQ's API does not know: `default=false` leaves out the bindings that each queue has to the
 * default exchange, and `search=` looks for a text in the names of both ends and in the routing key.
 */
function chosen({ req }: Call): {
  readonly wanted: (binding: BindingInfo) => boolean;
  readonly found: ((binding: BindingInfo) => boolean) | undefined;
} {
  const text = (req.query("search") ?? "").toLowerCase();
  const withDefault = req.query("default") !== "false";
  const has = (name: string) => name.toLowerCase().includes(text);
  return {
    wanted: ({ source }) => withDefault || source !== "",
    found: text === ""
      ? undefined
      : ({ source, destination, routingKey }) => has(source) || has(destination) || has(routingKey),
  };
}

function listing(rows: Iterable<BindingInfo>): Listing<BindingInfo> {
  return {
    rows,
    key: (binding) =>
      [
        ...[binding.vhost, binding.source, binding.destination, binding.routingKey],
        Object.keys(binding.arguments).length === 0 ? "" : propertiesKey(binding),
        binding.destinationType,
      ].join("\0"),
    name: ({ source }) => source,
    describe: describeBinding,
  };
}

function describeBinding(binding: BindingInfo): JsonObject {
  return {
    source: binding.source,
    vhost: binding.vhost,
    destination: binding.destination,
    destination_type: binding.destinationType,
    routing_key: binding.routingKey,
    arguments: toldArguments(binding.arguments),
    properties_key: propertiesKey(binding),
  };
}
