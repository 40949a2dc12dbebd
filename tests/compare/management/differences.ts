/** Something that is not as in RabbitMQ, and why. */
export interface ExplainedDifference {
  /** Which requests: looked for in method and path. */
  readonly request: RegExp;
  /** Which lines of the difference: looked for where a name in a path begins. */
  readonly line: RegExp;
  /** Why. */
  readonly reason: string;
}

const ANY = /./;

/** What the management API does in its own way, compared with RabbitMQ 3.10.8. */
export const EXPLAINED: readonly ExplainedDifference[] = [
  {
    request: ANY,
    line:
      /(reductions|garbage_collection|backing_queue_status|recoverable_slaves)(_details)?: only/,
    reason: "Erlang's processes and mirrored queues: there are none",
  },
  {
    request: / \/nodes/,
    line:
      /(io_|gc_|mnesia_|msg_store_|queue_index_|context_switches|ra_|net_ticktime|metrics_gc)\w*: only in RabbitMQ/,
    reason: "counters of Erlang's runtime and of RabbitMQ's stores",
  },
  {
    request: / \/nodes\/[^/]*\/memory/,
    line: /memory\.(queue_slave_procs: only in RabbitMQ|metadata_store\w*: only in Warren)/,
    reason: "as since 4.0, which has no mirrors",
  },
  {
    request: / \/nodes/,
    line: /(rabbitmq|erlang(_full)?)_version: only in Warren/,
    reason: "as since 4.2",
  },
  { request: / \/nodes/, line: /being_drained: only in Warren/, reason: "since 3.8.7 in the list" },
  {
    request: / \/(nodes|overview)/,
    line: /contexts\[\]\.(cowboy_opts|node|ssl_opts): only/,
    reason: "options of RabbitMQ's HTTP server; which context is whose is told everywhere",
  },
  {
    request: / \/overview/,
    line: /(listeners\[\]\.socket_opts|release_series_support_status|disk_(reads|writes)\w*): only/,
    reason: "options of Erlang's sockets, RabbitMQ's release plan, its index",
  },
  {
    request: / \/overview/,
    line:
      /(node_tags|cluster_tags|default_queue_type|is_op_policy_updating_enabled|require_definition_json_extension): only in Warren/,
    reason: "as since 3.12, 3.13 and 4.3",
  },
  {
    request: / \/overview/,
    line: /^sample_retention_policies\.detailed\[\]: empty in Warren/,
    reason: "rates are kept in the mode 'basic', which has no details",
  },
  {
    request: / \/nodes/,
    line: /config_files\[\]: empty in Warren/,
    reason: "what a program has read to make its broker is not the broker's to know",
  },
  {
    request: / \/extensions/,
    line: /^\[\]: empty in Warren/,
    reason: "scripts of RabbitMQ's pages, which are not served",
  },
  {
    request: / \/(definitions|global-parameters)/,
    line: /^(global_parameters)?\[\]: empty in Warren/,
    reason: "RabbitMQ notes the id of its cluster there",
  },
  {
    request: /GET \/vhosts as 'mon:p'/,
    line: /tags\[\]: empty in RabbitMQ/,
    reason: "what a second PUT does not mention stays, where RabbitMQ 3.10 clears tags",
  },
  {
    request: / \/queues/,
    line: /(messages_paged_out|message_bytes_paged_out): only in RabbitMQ/,
    reason: "nothing is paged out",
  },
  {
    request: / \/(queues|channels|connections|vhosts)/,
    line: /idle_since: only in RabbitMQ/,
    reason: "would have to be noted with each message; rates tell the same",
  },
  {
    request: / \/queues/,
    line: /messages_retrying: only in Warren/,
    reason: "messages that wait for another try, which 3.10 does not know",
  },
  {
    request: / \/queues/,
    line: /(leader|readers|type_specific|totals): only|exclusive: boolean or null/,
    reason: "replicas and readers of streams are told in one way for all lists",
  },
  {
    request: / \/(channels|connections|vhosts)/,
    line: /pending_raft_commands: only in RabbitMQ/,
    reason: "nothing is replicated",
  },
  {
    request: / \/(connections|vhosts)/,
    line: /(recv_cnt|send_cnt): only in RabbitMQ/,
    reason: "frames are not counted by themselves",
  },
  {
    request: /GET \/connections\/\d/,
    line: /(ssl|peer_cert)_\w+: string in RabbitMQ, null in Warren/,
    reason: "null as in RabbitMQ's own lists",
  },
  {
    request: / \/(consumers|queues|channels)/,
    line: /messages_unacknowledged: only in Warren/,
    reason: "how many deliveries a consumer holds helps to find the one that hangs",
  },
  {
    request: / \/(consumers|queues|channels)/,
    line: /consumer_timeout: only in Warren/,
    reason: "as since 3.12",
  },
  {
    request: /GET \/users/,
    line: /has_password: only in Warren/,
    reason: "a password may be hashed in a way that password_hash does not tell",
  },
  {
    request: / \/vhosts/,
    line: /(protected_from_deletion|(recv|send)_oct\w*): only in Warren/,
    reason: "as since 4.0; zeros are told as well",
  },
  {
    request: /GET \/definitions/,
    line:
      /^(rabbitmq_(definition_format|version)|product_(name|version)|original_(cluster|vhost)_name|explanation|description|limits|metadata|vhosts\[\]\.(limits|metadata)|queues\[\]\.type): only in Warren$/,
    reason: "files as 4.x writes them",
  },
  {
    request: /\/health\/checks\/protocol-listener/,
    line: /^protocols: only in Warren/,
    reason: "as since 4.1, beside the key of before",
  },
  {
    request: /GET \/overview as '(man|pol):p'/,
    line: /^object_totals\.consumers: only in Warren/,
    reason: "who may see consumers may know how many there are",
  },
  {
    request: /GET \/connections\/username\/guest as '(man|pol):p'/,
    line: /^status: 500 in RabbitMQ, 401 in Warren/,
    reason: "RabbitMQ fails at it",
  },
  {
    request: /GET \/consumers\/v1 as /,
    line: /^status: 200 in RabbitMQ, 401 in Warren/,
    reason: "of a vhost that somebody may not enter nothing is told, as in other lists",
  },
  {
    request: /GET \/user-limits as '(man|pol|mon):p'|GET \/user-limits\/man as 'pol:p'/,
    line: /^status: 200 in RabbitMQ, 401 in Warren/,
    reason: "as since 4.x: before, everybody saw everybody's limits",
  },
  {
    request: /\/health\/checks\/p/,
    line: /^error: .*"missing"/,
    reason: "ports and protocols of each one's own",
  },
  {
    request: / as 'guest:wrong'/,
    line: /^error: .*"Login failed".*"Not_Authorized"/,
    reason: "as since 3.11",
  },
  {
    request: /POST \/users\/bulk-delete /,
    line: /^status: 400 in RabbitMQ, 204/,
    reason: "since 3.12 users that are gone already are passed over",
  },
  {
    request: /POST \/definitions .*nope/,
    line: /^error: .*no_such_vhost/,
    reason: "a sentence says more than Erlang's term",
  },
  {
    request: /DELETE \/(vhost|user)-limits\/nope/,
    line: /^status: 500 in RabbitMQ, 404 in Warren/,
    reason: "RabbitMQ fails at it",
  },
  {
    request: /PUT \/(operator-policies|users)\/.*:5|POST .*"headers":"x"/,
    line: /^status: 500 in RabbitMQ, 400 in Warren/,
    reason: "RabbitMQ fails at it",
  },
  {
    request: / \/queues\/%2F\/%zz/,
    line: /^\.: string in RabbitMQ, object in Warren/,
    reason: "a body says why, where RabbitMQ's HTTP server sends none",
  },
  {
    request: /PUT \/policies\/.*"apply-to":null/,
    line: /^error: .*should be 'queues', 'exchanges' or 'all'/,
    reason: "policies may be for queues of one type, as since 3.12",
  },
];
