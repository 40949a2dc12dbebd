/**
 * The keys of `rabbitmq.conf` that need no more than a look into a table.
 *
 * @module
 */

/** Keys whose values an option takes as they are. */
export const SAME: Readonly<Record<string, string>> = {
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
  "channel_tx_message_max": "tx-message-max-per-channel",
  "consumer_max_per_channel": "consumer-max-per-channel",
  "cluster_queue_limit": "queue-limit",
  "vhost_max": "vhost-limit",
  "cluster_name": "cluster-name",
  "default_queue_type": "default-queue-type",
  "cluster_exchange_limit": "exchange-limit",
  "connection_max": "max-connections",
  "management.tcp.port": "management-port",
  "management.tcp.ip": "management-host",
  "management.listener.port": "management-port",
  "management.listener.ip": "management-host",
  "management.tcp.max_connections": "http-max-connections",
  "management.tcp.request_timeout": "http-head-timeout",
  "management.tcp.idle_timeout": "http-idle-timeout",
  // both ports have the same limits: a file that says it twice has to say the same
  "management.ssl.max_connections": "http-max-connections",
  "management.ssl.request_timeout": "http-head-timeout",
  "management.ssl.idle_timeout": "http-idle-timeout",
  "management.ssl.port": "management-tls-port",
  "management.ssl.ip": "management-tls-host",
  "management.ssl.certfile": "management-tls-cert",
  "management.ssl.keyfile": "management-tls-key",
  "management.ssl.cacertfile": "management-tls-ca",
  "prometheus.ssl.port": "prometheus-tls-port",
  "prometheus.ssl.ip": "prometheus-tls-host",
  "prometheus.ssl.certfile": "prometheus-tls-cert",
  "prometheus.ssl.keyfile": "prometheus-tls-key",
  "prometheus.ssl.cacertfile": "prometheus-tls-ca",
  "prometheus.tcp.port": "prometheus-port",
  "prometheus.tcp.ip": "prometheus-host",
  "web_amqp.tcp.port": "ws-port",
  "auth_oauth2.issuer": "oauth-issuer",
  "auth_oauth2.jwks_uri": "oauth-jwks-url",
  "auth_oauth2.jwks_url": "oauth-jwks-url",
  "auth_oauth2.default_key": "oauth-default-key",
  "auth_oauth2.scope_prefix": "oauth-scope-prefix",
};

/** Keys of which there may be several, by the option that each of them is. What is in the brackets is
 * part of its value. */
export const SEVERAL: readonly (readonly [key: RegExp, option: string])[] = [
  [/^auth_oauth2\.resource_server_id$/, "oauth-resource-server-id"],
  [/^auth_oauth2\.resource_servers\.[^.]+\.id$/, "oauth-resource-server-id"],
  [/^auth_oauth2\.signing_keys\.([^.]+)$/, "oauth-key"],
  [/^auth_oauth2\.algorithms\.[^.]+$/, "oauth-algorithm"],
  [/^auth_oauth2\.preferred_username_claims\.[^.]+$/, "oauth-username-claim"],
];

/** Who may let users in, by what RabbitMQ calls them. */
export const BACKENDS: Readonly<Record<string, "users" | "tokens">> = {
  internal: "users",
  rabbit_auth_backend_internal: "users",
  oauth: "tokens",
  oauth2: "tokens",
  rabbit_auth_backend_oauth2: "tokens",
};

/** RabbitMQ's log levels that are called otherwise here. */
export const LEVELS: Readonly<Record<string, string>> = {
  notice: "info",
  critical: "error",
  alert: "error",
  emergency: "error",
};

/** Keys that many files have, and that mean nothing without Erlang, log files or a cluster. */
export const IGNORED =
  /^(num_acceptors\.|listeners\.startup_delay$|tcp_listen_options\.|log\.(file|dir|syslog|exchange|console$|console\.(use_colors|stdio))|collect_statistics|cluster_(formation|partition_handling|keepalive_interval)|queue_(master|leader)_locator$|vm_memory_(calculation_strategy|high_watermark_paging_ratio)$|background_gc|net_ticktime$|mnesia_|msg_store_|queue_index_|management\.(rates_mode|http_log_dir)$|management_agent\.|prometheus\.return_per_object_metrics$|reverse_dns_lookups$|erlang\.|delegate_count$|mirroring_|default_worker_pool_size$|vhost_restart_strategy$|ssl_options\.(honor_|client_renegotiation|secure_renegotiate|reuse_session|depth$|log_)|management\.(login_session_timeout$|sample_retention_policies\.|cors\.|csp\.|hsts\.|enable_queue_totals$|disable_stats$)|(management|prometheus)\.tcp\.(backlog|compress|inactivity_timeout|shutdown_timeout|max_keepalive)$|prometheus\.(tcp|ssl)\.((idle|request)_timeout|max_connections)$|(management|prometheus)\.ssl\.(backlog|compress|(inactivity|shutdown)_timeout|max_keepalive|honor_|client_renegotiation|secure_renegotiate|reuse_sessions|depth)|ssl_options\.bypass_pem_cache$|ssl_handshake_timeout$|track_auth_attempt_source$|definitions\.skip_if_unchanged$|(classic_queue|quorum_queue|raft|socket_writer|distribution|node_tags|deprecated_features)\.|cluster_tags\.|message_store_shutdown_timeout$|log\.(connection|channel|queue|mirroring|federation|upgrade|ra|shovel|prelaunch|osiris)\.|(vm_memory|disk)_monitor_interval$|product\.|motd_file$|hipe_compile$)/;

/** Keys of Erlang's runtime and handlers of logs, of plugins and of protocols that nobody speaks here,
 * and of headers that are fixed. */
export const FOREIGN =
  /^(amqp(10)?_client\.|anonymous_login_pass$|channel_interceptor\.|definitions\.hashing\.|(session_max_per_connection|link_max_per_session)$|http_dispatch\.access_log_dir$|log\.(console\.(color_esc_seqs\.|formatter\.)|default\.rotation\.|error_logger_format_depth$|journald|summarize_process_state$|user\.)|management\.(credential_encryption_secret$|db_cache_multiplier$|definitions\.require_json_extension$|delegate_count$|headers\.|http\.|listener\.server\.)|memory_monitor_interval$|metadata_store\.|prevent_startup_if_node_was_reset$|shovel\.|ssl_allow_poodle_attack$|sysmon_handler\.)/;

/** Values that say no more than what is so here anyway, by keys whose other values are refused. */
export const HARMLESS: readonly (readonly [key: RegExp, value: string])[] = [
  [/^(queue_types|exchange_types)\.\w+\.enabled$/, "true"],
  [/^management\.(restrictions\..*\.disabled|require_auth_for_api_reference)$/, "false"],
  [/^prometheus\.authentication\.enabled$/, "false"],
  [/^(proxy_protocol|management\.listener\.ssl)$/, "false"],
  [/^listeners\.ssl$/, "none"],
];

/** Hashes of passwords, by RabbitMQ's modules. */
export const HASHINGS: Readonly<Record<string, string>> = {
  rabbit_password_hashing_sha256: "rabbitmq-sha256",
  rabbit_password_hashing_sha512: "rabbitmq-sha512",
};

/** Keys that would change what others may do or see, and are not obeyed: to pass over them would be
 * worse than to end. Each with the reason. */
export const REFUSED: readonly (readonly [key: RegExp, why: string])[] = [
  [
    /^management\.listener\.ssl$/,
    "say management.ssl.port, management.ssl.certfile and management.ssl.keyfile",
  ],
  [/^management\.listener\.ssl_opts\b/, "say management.ssl.certfile and the like"],
  [/^prometheus\.tcp\.listener$/, "say prometheus.tcp.port and prometheus.tcp.ip"],
  [/^(management|prometheus)\.path(_prefix)?$/, "its paths are fixed"],
  [
    /^management\.(oauth|disable_basic_auth)/,
    "the API takes passwords and tokens, and so does its page, where a password would be",
  ],
  [/^(mqtt|stomp|web_mqtt|web_stomp|stream|amqp1_0)\./, "only AMQP 0-9-1 is spoken"],
  [/^auth_(ldap|http|cache)\./, "there is no such plugin"],
  [/^auth_oauth2\./, "there is no such setting; see the options that begin with --oauth"],
  [
    /^(ssl_options|management\.ssl|prometheus\.ssl)\.(ciphers|signature_algs|dh|sni|psk)/,
    "TLS has no such option here",
  ],
  [/^proxy_protocol$/, "say whose headers are to be trusted: --proxy-protocol ADDRESSES"],
  [/^total_memory_available_override_value$/, "give the watermark in bytes instead"],
  [
    /^(default_policies|default_limits|default_users|message_interceptors)\./,
    "put it into a definitions file",
  ],
  [/^credential_validator\./, "passwords are not judged"],
  [/^ssl_options\.(key|cert|cacerts|crl_sources)\b/, "certificates, keys and lists are files"],
  [/^definitions\.(https|tls)\./, "definitions are read from a file of this machine"],
  [/^queue_types\.|^exchange_types\./, "no type can be switched off"],
  [/^runtime_parameters\.limits\./, "parameters are not counted"],
  [/^management\.(restrictions|require_auth)/, "its paths are open to whom RabbitMQ opens them"],
  [/^http_dispatch\.auth_backends\./, "the API lets in whom AMQP lets in"],
  [/^prometheus\.(authentication|filter_)/, "metrics are told to everybody who reaches the port"],
  [/^ranch_connection_max$/, "say max_connections"],
  [/^consumer_disconnected_timeout$/, "set it by a policy: consumer-disconnected-timeout"],
];

/** Where there is TLS: what its keys begin with, and the options that they are. */
export const TLS_PREFIXES: Readonly<Record<string, string>> = {
  "ssl_options": "tls",
  "management.ssl": "management-tls",
  "prometheus.ssl": "prometheus-tls",
};
