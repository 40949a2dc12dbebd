import type { JsonValue } from "../../policy/json.ts";
import type { Row } from "../management_client.ts";
import { Address, CtlAtom, type CtlCommand, CtlTable, type CtlValue } from "./command.ts";
import { chooseColumns } from "./columns.ts";

/**
 * Lists of what comes and goes: queues, exchanges, bindings, connections, channels, consumers.
 *
 * @module
 */

const COLUMNS_USAGE = "[--no-table-headers] [<column>, ...] [--timeout <timeout>]";
/** What stands in a column; an empty value says that there is none. */
interface Read {
  (row: Row): CtlValue;
  /** The field of the API's answers that it looks at; undefined: none. */
  readonly field?: string;
}

const reading = (field: string, read: (row: Row) => CtlValue): Read =>
  Object.assign(read, { field });
const table = (name: string): Read =>
  reading(
    name,
    (row) => new CtlTable((row[name] ?? {}) as Readonly<Record<string, JsonValue>>),
  );
const plain = (name: string): Read => reading(name, (row) => row[name] ?? "");
const atom = (name: string): Read => reading(name, (row) => new CtlAtom(String(row[name] ?? "")));
const address = (name: string): Read =>
  reading(name, (row) => {
    const value = row[name];
    return typeof value === "string" ? new Address(value) : "";
  });
const inner = (name: string, field: string): Read =>
  reading(`${name}.${field}`, (row) => (row[name] as Row | undefined)?.[field] ?? "");
/** What only Erlang has. */
const nothing: Read = () => "";

function reads(plainNames: string, others: Readonly<Record<string, Read>>): Map<string, Read> {
  const names = plainNames.split(/\s+/);
  return new Map([
    ...names.map((name) => [name, plain(name)] as const),
    ...Object.entries(others),
  ]);
}

const QUEUE = reads(
  "name durable auto_delete policy operator_policy exclusive exclusive_consumer_tag " +
    "messages_ready messages_unacknowledged messages messages_ram messages_ready_ram " +
    "messages_unacknowledged_ram head_message_timestamp messages_persistent message_bytes " +
    "message_bytes_ready message_bytes_unacknowledged message_bytes_ram message_bytes_persistent memory " +
    "consumer_utilisation consumer_capacity " +
    "consumers leader members online single_active_consumer_tag",
  {
    state: atom("state"),
    type: atom("type"),
    arguments: table("arguments"),
    effective_policy_definition: table("effective_policy_definition"),
    pid: plain("name"),
    owner_pid: inner("owner_pid_details", "name"),
    disk_reads: nothing,
    disk_writes: nothing,
    slave_pids: nothing,
    synchronised_slave_pids: nothing,
    exclusive_consumer_pid: nothing,
    single_active_consumer_pid: nothing,
  },
);
const EXCHANGE = reads("name durable auto_delete internal policy", {
  type: atom("type"),
  arguments: table("arguments"),
});
const BINDING = new Map<string, Read>([
  ["source_name", plain("source")],
  ["source_kind", () => new CtlAtom("exchange")],
  ["destination_name", plain("destination")],
  ["destination_kind", atom("destination_type")],
  ["routing_key", plain("routing_key")],
  ["arguments", table("arguments")],
]);
const CONNECTION = reads(
  "name port peer_port ssl ssl_protocol ssl_key_exchange ssl_cipher ssl_hash peer_cert_subject " +
    "peer_cert_serial_number peer_cert_issuer peer_cert_validity channels auth_mechanism user vhost timeout " +
    "frame_max channel_max recv_oct recv_cnt send_oct send_cnt send_pend connected_at " +
    "user_provided_name user_who_performed_action",
  {
    pid: plain("name"),
    state: atom("state"),
    host: address("host"),
    peer_host: address("peer_host"),
    client_properties: table("client_properties"),
    protocol: () => new CtlAtom("{0,9,1}"),
  },
);
const CHANNEL = reads(
  "name number user vhost transactional confirm consumer_count messages_unacknowledged " +
    "messages_uncommitted acks_uncommitted messages_unconfirmed prefetch_count " +
    "global_prefetch_count",
  {
    state: atom("state"),
    pid: plain("name"),
    connection: inner("connection_details", "name"),
    client_flow_blocked: () => false,
  },
);
const CONSUMER = reads(
  "consumer_tag ack_required prefetch_count active",
  {
    activity_status: atom("activity_status"),
    queue_name: inner("queue", "name"),
    channel_pid: inner("channel_details", "name"),
    arguments: table("arguments"),
  },
);

interface List {
  readonly summary: string;
  readonly usage: string;
  readonly columns: ReadonlyMap<string, Read>;
  /** Those that are told when nobody chooses. */
  readonly usual: readonly string[];
  readonly banner: (vhost: string, timeout: string) => string;
  readonly path: (vhost: string) => readonly string[];
  readonly options?: CtlCommand["options"];
}

function list({ summary, usage, columns, usual, banner, path, options }: List): CtlCommand {
  return {
    summary,
    usage,
    args: [0, Infinity],
    columns: [...columns.keys()],
    ...options === undefined ? {} : { options },
    banner: ({ vhost, timeoutMs }) => banner(vhost, timeoutText(timeoutMs)),
    async run({ args, vhost, options, client }) {
      const chosen = chooseColumns(args, usual);
      // RabbitMQ knows no queues of a vhost that it does not know, and complains of nothing
      const fields = chosen.map((name) => columns.get(name)!.field).filter(Boolean);
      const query = `columns=${fields.length === 0 ? "name" : [...new Set(fields)].join(",")}`;
      if (options["offline"] === true && options["online"] !== true && options["local"] !== true) {
        // of one node that answers, no queue is where nobody reaches it
        await client.find(path(vhost), "columns=name&page=1&page_size=1");
        return { columns: chosen, rows: [] };
      }
      const rows = await client.find<Row[]>(path(vhost), query) ?? [];
      const read = (row: Row) =>
        Object.fromEntries(chosen.map((name) => [name, columns.get(name)!(row)]));
      return { columns: chosen, rows: rows.map(read) };
    },
  };
}

function timeoutText(milliseconds: number): string {
  return milliseconds === Infinity ? "infinity" : (milliseconds / 1000).toFixed(1);
}

const LISTS: Readonly<Record<string, List>> = {
  list_queues: {
    summary: "Lists queues and their properties",
    usage: `[--vhost <vhost>] [--online] [--offline] [--local] ${COLUMNS_USAGE}`,
    columns: QUEUE,
    usual: ["name", "messages"],
    banner: (vhost, timeout) =>
      `Timeout: ${timeout} seconds ...\nListing queues for vhost ${vhost} ...`,
    path: (vhost) => ["queues", vhost],
    options: { online: "flag", offline: "flag", local: "flag" },
  },
  list_exchanges: {
    summary: "Lists exchanges",
    usage: `[--vhost <vhost>] ${COLUMNS_USAGE}`,
    columns: EXCHANGE,
    usual: ["name", "type"],
    banner: (vhost) => `Listing exchanges for vhost ${vhost} ...`,
    path: (vhost) => ["exchanges", vhost],
  },
  list_bindings: {
    summary: "Lists all bindings on a vhost",
    usage: `[--vhost <vhost>] ${COLUMNS_USAGE}`,
    columns: BINDING,
    usual: [...BINDING.keys()],
    banner: (vhost) => `Listing bindings for vhost ${vhost}...`,
    path: (vhost) => ["bindings", vhost],
  },
  list_connections: {
    summary: "Lists AMQP 0.9.1 connections for the node",
    usage: COLUMNS_USAGE,
    columns: CONNECTION,
    usual: ["user", "peer_host", "peer_port", "state"],
    banner: () => "Listing connections ...",
    path: () => ["connections"],
  },
  list_channels: {
    summary: "Lists all channels in the node",
    usage: COLUMNS_USAGE,
    columns: CHANNEL,
    usual: ["pid", "user", "consumer_count", "messages_unacknowledged"],
    banner: () => "Listing channels ...",
    path: () => ["channels"],
  },
  list_consumers: {
    summary: "Lists all consumers for a vhost",
    usage: `[--vhost <vhost>] ${COLUMNS_USAGE}`,
    columns: CONSUMER,
    usual: [
      "queue_name",
      "channel_pid",
      "consumer_tag",
      "ack_required",
      "prefetch_count",
      "active",
      "arguments",
    ],
    banner: (vhost) => `Listing consumers in vhost ${vhost} ...`,
    path: (vhost) => ["consumers", vhost],
  },
};

/** Their commands. */
export const LIST_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  ...Object.fromEntries(Object.entries(LISTS).map(([name, spec]) => [name, list(spec)])),
  list_unresponsive_queues: {
    summary: "Tests queues to respond within timeout. Lists those which did not respond",
    usage: "[--local] [--queue-timeout <queue-timeout>] [<column> ...] [--timeout <timeout>]",
    args: [0, Infinity],
    columns: [...QUEUE.keys()],
    options: { local: "flag", all: "flag", "queue-timeout": "value" },
    banner: ({ vhost }) => `Listing unresponsive queues for vhost ${vhost} ...`,
    async run({ args, client }) {
      // no queue has a process of its own that could hang: when this is answered, all of them answer
      await client.get(["whoami"]);
      return { columns: chooseColumns(args, ["name"]), rows: [] };
    },
  },
};
