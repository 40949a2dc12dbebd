import { UsageError } from "./arguments.ts";

/** What a file like RabbitMQ's `rabbitmq.conf` says. */
export interface ConfigFile {
  /** Options of `serve` that stand for its keys, with the line that each comes from. */
  readonly options: readonly (readonly [option: string, value: string, line: number])[];
  /** The user that a new broker begins with. */
  readonly defaultUser: {
    readonly name?: string;
    readonly password?: string;
    readonly vhost?: string;
  };
  /** What the key for TLS is encrypted with; it is nowhere in `options`. */
  readonly tlsKeyPassphrase: string | undefined;
  /** Users that are let in from this machine alone; undefined: as usual. */
  readonly loopbackUsers: readonly string[] | undefined;
  /** Keys that say nothing here, with their lines. */
  readonly ignored: readonly (readonly [key: string, line: number])[];
}

/** Keys whose values an option takes as they are. */
const SAME: Readonly<Record<string, string>> = {
  "ssl_options.certfile": "tls-cert",
  "ssl_options.keyfile": "tls-key",
  "ssl_options.cacertfile": "tls-ca",
  "load_definitions": "definitions",
  "definitions.local.path": "definitions",
  "management.load_definitions": "definitions",
  "vm_memory_high_watermark.relative": "memory-high-watermark",
  "vm_memory_high_watermark.absolute": "memory-high-watermark",
  "disk_free_limit.absolute": "disk-free-limit",
  "channel_max": "channel-max",
  "max_channels_per_connection": "channel-max",
  "frame_max": "frame-max",
  "initial_frame_max": "handshake-frame-max",
  "heartbeat": "heartbeat",
  "handshake_timeout": "handshake-timeout",
  "max_message_size": "message-size-max",
  "consumer_timeout": "consumer-timeout",
  "max_connections": "max-connections",
  "channel_max_per_node": "channel-max-per-node",
  "consumer_max_per_channel": "consumer-max-per-channel",
  "cluster_queue_limit": "queue-limit",
  "cluster_exchange_limit": "exchange-limit",
  "anonymous_login_user": "anonymous-user",
  "ssl_cert_login_from": "ssl-cert-login-from",
  "management.tcp.port": "management-port",
  "prometheus.tcp.port": "prometheus-port",
  "web_amqp.tcp.port": "ws-port",
  "auth_oauth2.issuer": "oauth-issuer",
  "auth_oauth2.jwks_uri": "oauth-jwks-url",
  "auth_oauth2.jwks_url": "oauth-jwks-url",
  "auth_oauth2.default_key": "oauth-default-key",
  "auth_oauth2.scope_prefix": "oauth-scope-prefix",
};

/** Keys of which there may be several, by the option that each of them is. What is in the brackets is
 * part of its value. */
const SEVERAL: readonly (readonly [key: RegExp, option: string])[] = [
  [/^auth_oauth2\.resource_server_id$/, "oauth-resource-server-id"],
  [/^auth_oauth2\.resource_servers\.[^.]+\.id$/, "oauth-resource-server-id"],
  [/^auth_oauth2\.signing_keys\.([^.]+)$/, "oauth-key"],
  [/^auth_oauth2\.algorithms\.[^.]+$/, "oauth-algorithm"],
  [/^auth_oauth2\.preferred_username_claims\.[^.]+$/, "oauth-username-claim"],
];

/** Who may let users in, by what RabbitMQ calls them. */
const BACKENDS: Readonly<Record<string, "users" | "tokens">> = {
  internal: "users",
  rabbit_auth_backend_internal: "users",
  oauth: "tokens",
  oauth2: "tokens",
  rabbit_auth_backend_oauth2: "tokens",
};

/** RabbitMQ's log levels that are called otherwise here. */
const LEVELS: Readonly<Record<string, string>> = {
  notice: "info",
  critical: "error",
  alert: "error",
  emergency: "error",
};

/** Keys that many files have, and that mean nothing without Erlang, log files or a cluster. */
const IGNORED =
  /^(num_acceptors\.|tcp_listen_options\.|log\.(file|dir|syslog|exchange|console$|console\.(use_colors|stdio))|collect_statistics|cluster_(formation|partition_handling|keepalive_interval)|queue_(master|leader)_locator$|vm_memory_(calculation_strategy|high_watermark_paging_ratio)$|background_gc|net_ticktime$|mnesia_|msg_store_|queue_index_|management\.(rates_mode|http_log_dir)$|management_agent\.|prometheus\.return_per_object_metrics$|reverse_dns_lookups$|erlang\.|delegate_count$|mirroring_|default_worker_pool_size$|vhost_restart_strategy$|ssl_options\.(honor_|client_renegotiation|secure_renegotiate|reuse_session|depth$|log_))/;

/**
 * Reads a file in the form of RabbitMQ's `rabbitmq.conf`: a key and a value on each line, `#` for
 * comments.
 *
 * @param text The file.
 * @param name What it is called, for errors.
 * @throws {UsageError} At a line that makes no sense, or a key that is not known.
 */
export function readConfigFile(text: string, name: string): ConfigFile {
  const options: [string, string, number][] = [];
  const ignored: [string, number][] = [];
  const defaultUser: { name?: string; password?: string; vhost?: string } = {};
  const seen = new Map<string, string>();
  const mechanisms: string[] = [];
  const backends = new Map<"users" | "tokens", number>();
  let loopbackUsers: string[] | undefined;
  let tlsKeyPassphrase: string | undefined;
  let failIfNone = false;
  let verify: [value: string, line: number] | undefined;
  let oldest: [version: string, line: number] | undefined;

  for (const [index, source] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const fail = (why: string) => new UsageError(`${name}:${line}: ${why}`);
    const bare = source.replace(/(^|\s)#.*$/, "").trim();
    if (bare === "") continue;
    const [, key = "", quoted] = /^([A-Za-z0-9_.-]+)\s*=\s*(.*)$/.exec(bare) ?? [];
    if (quoted === undefined) throw fail(`'${bare}' is not 'key = value'`);
    const value = /^'(.*)'$/.exec(quoted)?.[1] ?? quoted;
    /** Something that is fixed, and is said to be so. */
    const must = (only: string) => {
      if (value !== only) throw fail(`${key} can only be ${only}, not '${value}'`);
    };
    const flag = (): boolean => {
      if (value !== "true" && value !== "false") {
        throw fail(`${key} is true or false, not '${value}'`);
      }
      return value === "true";
    };
    const add = (option: string, text: string) => {
      const before = seen.get(option);
      if (before !== undefined && before !== text) {
        throw fail(`${key} says ${text}, and a line before it ${before}: there can be one`);
      }
      seen.set(option, text);
      if (before === undefined) options.push([option, text, line]);
    };

    const [, protocol] = /^listeners\.(tcp|ssl)(?:\.[^.]+)?$/.exec(key) ?? [];
    if (protocol !== undefined) {
      const [, , host, port] = /^((?:\[?([0-9A-Za-z.:]+?)\]?):)?(\d+)$/.exec(value) ?? [];
      if (port === undefined) throw fail(`${key} takes a port, or an address and a port`);
      const prefix = protocol === "ssl" ? "tls-" : "";
      add(`${prefix}port`, port);
      if (host !== undefined) options.push([`${prefix}host`, host, line]);
    } else if (key === "default_user") defaultUser.name = value;
    else if (key === "default_pass") defaultUser.password = value;
    else if (key === "default_vhost") defaultUser.vhost = value;
    else if (/^default_permissions\.(configure|read|write)$/.test(key)) must(".*");
    else if (key === "default_user_tags.administrator") must("true");
    else if (key === "loopback_users") {
      must("none");
      loopbackUsers = [];
    } else if (key.startsWith("loopback_users.")) {
      const user = key.slice("loopback_users.".length);
      loopbackUsers ??= ["guest"];
      loopbackUsers = loopbackUsers.filter((one) => one !== user);
      if (flag()) loopbackUsers.push(user);
    } else if (key.startsWith("auth_mechanisms.")) {
      mechanisms.push(value);
    } else if (key === "ssl_options.verify") {
      if (value !== "verify_peer" && value !== "verify_none") {
        throw fail(`${key} is verify_peer or verify_none, not '${value}'`);
      }
      verify = [value, line];
    } else if (key === "ssl_options.fail_if_no_peer_cert") failIfNone = flag();
    else if (key === "ssl_options.password") tlsKeyPassphrase = value;
    else if (key.startsWith("ssl_options.versions.")) {
      const version = /^tlsv(1\.[23])$/.exec(value)?.[1];
      if (version === undefined) throw fail(`${key} is tlsv1.2 or tlsv1.3, not '${value}'`);
      if (oldest === undefined || version < oldest[0]) oldest = [version, line];
    } else if (/^auth_backends\.\d+$/.test(key)) {
      const backend = Object.hasOwn(BACKENDS, value) ? BACKENDS[value]! : undefined;
      if (backend === undefined) throw fail(`${key} is internal or oauth2, not '${value}'`);
      backends.set(backend, line);
    } else if (key === "auth_oauth2.additional_scopes_key") {
      for (const claim of value.split(" ").filter(Boolean)) {
        options.push(["oauth-scope-claim", claim, line]);
      }
    } else if (key === "auth_oauth2.verify_aud") {
      if (!flag()) options.push(["oauth-any-audience", "true", line]);
    } else if (SEVERAL.some(([pattern]) => pattern.test(key))) {
      const [pattern, option] = SEVERAL.find(([pattern]) => pattern.test(key))!;
      const [, id] = pattern.exec(key)!;
      options.push([option, id === undefined ? value : `${id}=${value}`, line]);
    } else if (key === "log.console.level") add("log-level", LEVELS[value] ?? value);
    else if (key === "log.console.formatter") {
      if (value !== "json" && value !== "plaintext") {
        throw fail(`${key} is plaintext or json, not '${value}'`);
      }
      add("log-format", value === "json" ? "json" : "text");
    } else if (Object.hasOwn(SAME, key)) add(SAME[key]!, value);
    else if (IGNORED.test(key)) ignored.push([key, line]);
    else throw fail(`unknown key '${key}'`);
  }

  if (mechanisms.length > 0) options.push(["auth-mechanisms", mechanisms.join(","), 0]);
  if (oldest !== undefined) options.push(["tls-min-version", ...oldest]);
  if (verify !== undefined) {
    const how = verify[0] === "verify_none" ? "no" : failIfNone ? "fail-if-none" : "yes";
    options.push(["tls-verify-peer", how, verify[1]]);
  }
  const alone = backends.has("users") ? undefined : backends.get("tokens");
  if (alone !== undefined) options.push(["oauth-only", "true", alone]);
  const tokens = options.filter(([option]) => option.startsWith("oauth-"));
  if (tokens.length > 0 && !backends.has("tokens")) {
    // as in RabbitMQ: nobody is let in by what only describes tokens
    ignored.push(["auth_oauth2 without auth_backends.1 = oauth2", tokens[0]![2]]);
    options.splice(0, Infinity, ...options.filter((one) => !tokens.includes(one)));
  }
  return { options, defaultUser, tlsKeyPassphrase, loopbackUsers, ignored };
}
