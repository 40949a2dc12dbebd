import type { ExchangeInfo, JsonObject } from "../../mod.ts";
import { seesVhost, vhostOf } from "../access.ts";
import { actAs } from "../acting.ts";
import { argumentsOf, booleanOf, readObject } from "../body.ts";
import type { Api, Call, Management } from "../context.ts";
import { badRequest, notFound } from "../errors.ts";
import { answer, answerList, type Listing, wantsNoStats } from "../listing.ts";
import { Stats } from "../stats.ts";
import { toldArguments } from "../told_arguments.ts";

/** How the default exchange is called in paths. */
const DEFAULT_EXCHANGE = "amq.default";

/** Exchanges: what there is, declaring and deleting. */
export function exchangeRoutes(api: Api, management: Management): void {
  const { broker } = management;

  const describer = (call: Call) => {
    const stats = new Stats(management.rates, call);
    return (exchange: ExchangeInfo): JsonObject => ({
      ...describeExchange(exchange),
      ...stats.messages(broker.meter("exchange", exchange.name, exchange)),
    });
  };
  const listing = (call: Call, rows: Iterable<ExchangeInfo>): Listing<ExchangeInfo> => ({
    rows,
    key: ({ vhost, name }) => `${vhost}\0${name}`,
    name: ({ name }) => name,
    describe: wantsNoStats(call) ? describeExchange : describer(call),
  });

  api.get("/api/exchanges", (call) => {
    const sees = seesVhost(call);
    const wanted = ({ vhost }: ExchangeInfo) => sees(vhost);
    return answerList(call, { ...listing(call, broker.exchanges()), wanted });
  });

  api.get(
    "/api/exchanges/:vhost",
    (call) => answerList(call, listing(call, broker.exchanges({ vhost: vhostOf(call, broker) }))),
  );

  api.get("/api/exchanges/:vhost/:exchange", (call) => {
    const [found] = broker.exchanges({ vhost: vhostOf(call, broker), exchange: exchangeOf(call) });
    if (found === undefined) throw notFound();
    return answer(call, { ...describer(call)(found), incoming: [], outgoing: [] });
  });

  api.put("/api/exchanges/:vhost/:exchange", async (call) => {
    const vhost = vhostOf(call, broker, true);
    const exchange = exchangeOf(call);
    const body = await readObject(call);
    const { type = "direct" } = body;
    const declared = {
      durable: booleanOf(body, "durable", false),
      autoDelete: booleanOf(body, "auto_delete", false),
      internal: booleanOf(body, "internal", false),
      arguments: argumentsOf(body),
    };
    if (typeof type !== "string" || !broker.node().exchangeTypes.includes(type)) {
      const told = typeof type === "string" ? type : JSON.stringify(type);
      throw badRequest(`invalid exchange type '${told}'`);
    }
    const [before] = broker.exchanges({ vhost, exchange });
    await actAs(
      call.var.session,
      vhost,
      (channel) => channel.exchangeDeclare(exchange, type, declared),
    );
    return call.body(null, before === undefined ? 201 : 204);
  });

  api.delete("/api/exchanges/:vhost/:exchange", async (call) => {
    const vhost = vhostOf(call, broker);
    const exchange = exchangeOf(call);
    const [found] = broker.exchanges({ vhost, exchange });
    if (found === undefined) throw notFound();
    const ifUnused = call.req.query("if-unused") === "true";
    await actAs(
      call.var.session,
      vhost,
      (channel) => channel.exchangeDelete(exchange, { ifUnused }),
    );
    return call.body(null, 204);
  });
}

/** The exchange that a path names. */
export function exchangeOf(call: Call, parameter = "exchange"): string {
  const name = call.req.param(parameter) ?? "";
  return name === DEFAULT_EXCHANGE ? "" : name;
}

function describeExchange(exchange: ExchangeInfo): JsonObject {
  const { name, vhost, type, durable, autoDelete, internal, policy } = exchange;
  return {
    name,
    vhost,
    type,
    durable,
    auto_delete: autoDelete,
    internal,
    arguments: toldArguments(exchange.arguments),
    ...policy === null ? {} : { policy },
    user_who_performed_action: name === "" || name.startsWith("amq.") ? "rmq-internal" : "",
    ...type === "x-delayed-message" ? { messages_delayed: exchange.messagesDelayed } : {},
  };
}
