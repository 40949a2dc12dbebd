import type { JsonValue } from "../../policy/json.ts";
import type { Row } from "../management_client.ts";
import { addressTerm } from "./erlang_terms.ts";
import { Atom, chars, type Term, Tuple } from "./erlang_pretty.ts";

/**
 * What `rabbit:status()` and `rabbit:environment()` tell of a node, in their order and with their types:
 * texts are lists of letters there, names are atoms. What only Erlang has, and what is not known, is left
 * out.
 *
 * @module
 */

/** What is known of a node. */
export interface KnownNode {
  readonly node: Row;
  readonly overview: Row;
  readonly vhosts: number;
}

/** As `rabbit:status()` has it. */
export function statusTerm({ node, overview, vhosts }: KnownNode): Term {
  const name = String(node["name"]);
  const totals = (overview["object_totals"] ?? {}) as Row;
  const memory = number(node["mem_used"]);
  const version = text(overview["rabbitmq_version"]);
  const product = overview["product_name"];
  return [
    property("pid", number(node["os_pid"])),
    property("running_applications", [
      new Tuple(new Atom("rabbit"), chars("RabbitMQ"), version),
      new Tuple(new Atom("warren"), text(product), text(overview["product_version"])),
    ]),
    property("rabbitmq_version", version),
    property("memory", [
      property("strategy", new Atom("rss")),
      property("total", [
        property("erlang", 0),
        property("rss", memory),
        property("allocated", memory),
      ]),
    ]),
    property("alarms", alarmTerms(node, name)),
    property("is_under_maintenance", false),
    property("listeners", listenersOf(overview).map((one) => listenerTerm(one, name))),
    property("vm_memory_calculation_strategy", new Atom("rss")),
    ...known("vm_memory_limit", node["mem_limit"]),
    ...known("disk_free_limit", node["disk_free_limit"]),
    ...known("disk_free", node["disk_free"]),
    property("run_queue", 0),
    property("uptime", Math.round(number(node["uptime"]) / 1000)),
    property("active_plugins", list(node["enabled_plugins"]).map((one) => new Atom(`${one}`))),
    property("config_files", list(node["config_files"]).map(text)),
    property("log_files", list(node["log_files"]).map(text)),
    property("data_directory", text(node["db_dir"])),
    property("totals", [
      property("virtual_host_count", vhosts),
      property("connection_count", number(totals["connections"])),
      property("queue_count", number(totals["queues"])),
    ]),
    property("product_name", text(product)),
    property("product_version", text(overview["product_version"])),
  ];
}

/** As `rabbit:environment()` has it: what is set, by application and name. */
export function environmentTerm({ node, overview }: KnownNode): Term {
  const places = (protocol: string) =>
    listenersOf(overview).filter((one) => one["protocol"] === protocol)
      .map(({ ip_address, port }) => new Tuple(text(ip_address), number(port)));
  const limit = node["mem_limit"];
  return [
    property("rabbit", [
      property("auth_mechanisms", mechanisms(node).map((one) => new Atom(one))),
      property("data_dir", text(node["db_dir"])),
      property("default_queue_type", new Atom(String(overview["default_queue_type"]))),
      ...known("disk_free_limit", node["disk_free_limit"]),
      property("log_files", list(node["log_files"]).map(text)),
      property("ssl_listeners", places("amqp/ssl")),
      property("tcp_listeners", places("amqp")),
      ...limit === undefined
        ? []
        : [property("vm_memory_high_watermark", property("absolute", number(limit)))],
    ]),
    property("rabbitmq_management", [
      property("rates_mode", new Atom(String(overview["rates_mode"]))),
      property("ssl_listeners", places("https")),
      property("tcp_listeners", places("http")),
    ]),
    property("warren", [
      property("product_version", text(overview["product_version"])),
      property("rabbitmq_version", text(overview["rabbitmq_version"])),
    ]),
  ];
}

function listenerTerm({ ip_address, port, protocol }: Row, node: string): Term {
  const host = chars(node.replace(/^.*@/, ""));
  const address = addressTerm(String(ip_address));
  return new Tuple(
    new Atom("listener"),
    new Atom(node),
    new Atom(String(protocol)),
    host,
    address,
    number(port),
    [],
  );
}

function alarmTerms(node: Row, name: string): Term[] {
  const limits = [
    ...node["mem_alarm"] === true ? ["memory"] : [],
    ...node["disk_free_alarm"] === true ? ["disk"] : [],
  ];
  return limits.map((limit) =>
    new Tuple(new Atom("resource_limit"), new Atom(limit), new Atom(name))
  );
}

function mechanisms(node: Row): string[] {
  return list(node["auth_mechanisms"]).map((one) => String((one as Row)["name"]));
}

function listenersOf(overview: Row): Row[] {
  return list(overview["listeners"]) as Row[];
}

function property(name: string, value: Term): Tuple {
  return new Tuple(new Atom(name), value);
}

/** A property, if there is a number for it. */
function known(name: string, value: JsonValue | undefined): Tuple[] {
  return value === undefined ? [] : [property(name, number(value))];
}

function text(value: JsonValue | undefined): Term {
  return chars(String(value ?? ""));
}

function number(value: JsonValue | undefined): number {
  return Number(value ?? 0);
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}
