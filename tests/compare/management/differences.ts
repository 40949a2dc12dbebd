import type { Generation } from "../generation.ts";

/** Something that is not as in RabbitMQ, and why. */
export interface ExplainedDifference {
  /** Which requests: looked for in method and path. */
  readonly request: RegExp;
  /** Which lines of the difference: looked for where a name in a path begins. */
  readonly line: RegExp;
  /** Why. */
  readonly reason: string;
  /** Which RabbitMQ it is a difference from. Absent: both. */
  readonly from?: Generation;
}

const ANY = /./;

/** What the management API does in its own way, compared with RabbitMQ 3.10.8 and 4.3.6. */
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
    from: 3,
  },
  {
    request: / \/nodes/,
    line: /(rabbitmq|erlang(_full)?)_version: only in Warren/,
    reason: "as since 4.2",
    from: 3,
  },
  {
    request: / \/nodes/,
    line: /being_drained: only in Warren/,
    reason: "since 3.8.7 in the list",
    from: 3,
  },
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
    from: 3,
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
    from: 3,
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
    from: 3,
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
    from: 3,
  },
  {
    request: /\/health\/checks\/protocol-listener/,
    line: /^protocols: only in Warren/,
    reason: "as since 4.1, beside the key of before",
    from: 3,
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
    from: 3,
  },
  {
    request: /GET \/consumers\/v1 as /,
    line: /^status: 200 in RabbitMQ, 40[14] in Warren/,
    reason: "of a vhost that somebody may not enter nothing is told, as in other lists",
  },
  {
    request: /GET \/user-limits as '(man|pol|mon):p'|GET \/user-limits\/man as 'pol:p'/,
    line: /^status: 200 in RabbitMQ, 401 in Warren/,
    reason: "as since 4.x: before, everybody saw everybody's limits",
    from: 3,
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
    from: 3,
  },
  {
    request: /POST \/users\/bulk-delete /,
    line: /^status: 400 in RabbitMQ, 204/,
    reason: "since 3.12 users that are gone already are passed over",
    from: 3,
  },
  {
    request: /POST \/definitions .*nope/,
    line: /^error: .*no_such_vhost/,
    reason: "a sentence says more than Erlang's term",
    from: 3,
  },
  {
    request: /DELETE \/(vhost|user)-limits\/nope/,
    line: /^status: 500 in RabbitMQ, 404 in Warren/,
    reason: "RabbitMQ fails at it",
    from: 3,
  },
  {
    request: /DELETE \/(vhost|user)-limits\/nope/,
    line: /^error: .*vhost_not_found/,
    reason:
      "all that is not there is told in the same words; of a user 4.x says that it is a vhost",
    from: 4,
  },
  {
    request: /PUT \/(operator-policies|users)\/.*:5|POST .*"headers":"x"/,
    line: /^(status: 500 in RabbitMQ, 400 in Warren|allow: null)/,
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
    from: 3,
  },
  {
    request: /PUT \/policies\/.*"apply-to":null/,
    line: /^error: .*'classic_queues', {2}'quorum_queues'/,
    reason: "there is a space too many in 4.x",
    from: 4,
  },
  {
    request: /GET \/exchanges\/%2F\/ex\?disable_stats=true/,
    line: /(incoming|outgoing|message_stats): only in Warren/,
    reason: "of a single exchange they are told whatever one says, as before 4.x",
    from: 4,
  },
  {
    request: ANY,
    line: /^allow: null in RabbitMQ/,
    reason: "as since 4.x",
    from: 3,
  },
  {
    request: / \/(vhost|user)-limits/,
    line: /^allow: GET, OPTIONS in RabbitMQ, HEAD, GET, OPTIONS in Warren/,
    reason: "where GET is there is HEAD",
    from: 4,
  },
  {
    request: /GET \/channels\/[^ ]+/,
    line: /^allow: HEAD, GET, OPTIONS in RabbitMQ, HEAD, GET, DELETE, OPTIONS in Warren/,
    reason: "channels can be closed too",
    from: 4,
  },
  {
    request: /GET \/nope$/,
    line: /^allow: HEAD, GET, OPTIONS in RabbitMQ, null in Warren/,
    reason: "what is not there does nothing",
    from: 4,
  },
  {
    request: / \/(nodes|overview|connections|vhosts|whoami)/,
    line:
      /(crypto_lib_version|listeners\[\]\.tls|peer_cert_serial_number|is_internal_user): only in Warren/,
    reason: "as since 4.x",
    from: 3,
  },
  {
    request: / \/queues/,
    line: /segments: only in Warren/,
    reason: "as since 4.x",
    from: 3,
  },
  {
    request: / \/(definitions|vhosts)\S*columns=|GET \/vhosts\?columns=name as/,
    line: /[^:]+: (only in RabbitMQ|object in RabbitMQ, list in Warren)/,
    reason: "columns count here in definitions and vhosts too; 4.x gives all of them",
    from: 4,
  },
  {
    request: / \/(definitions|vhosts)/,
    line: /(vhosts\[\]\.|\[\]\.)?metadata\.default_queue_type: only in RabbitMQ/,
    reason: "a vhost without a type of its own has none, and follows the broker's",
    from: 4,
  },
  {
    request: / \/definitions/,
    line: /exchanges\[\]\.internal: only in Warren/,
    reason: "exchanges that are internal are here in files too, as before 4.x",
    from: 4,
  },
  {
    request: / \/queues/,
    line:
      /(exclusive_consumer_tag|single_active_consumer_tag|head_message_timestamp|operator_policy|policy): only in Warren/,
    reason: "lists tell what is nothing too, as before 4.x",
    from: 4,
  },
  {
    request: / \/queues/,
    line: /(first_timestamp|storage_version): only in RabbitMQ/,
    reason: "how RabbitMQ's queues lie on disk",
    from: 4,
  },
  {
    request: / \/queues/,
    line: /(internal|internal_owner): only in RabbitMQ/,
    reason: "queues of plugins, which do not show them: there are none",
    from: 4,
  },
  {
    request: / \/queues/,
    line: /arguments\.x-queue-type: only in RabbitMQ/,
    reason: "arguments are told as somebody declared them; the type is told beside",
    from: 4,
  },
  {
    request: / \/queues\?disable_stats=true/,
    line: /(effective_policy_definition|members|online|operator_policy|policy): only in RabbitMQ/,
    reason: "without statistics nothing is told but what a queue is, as before 4.x",
    from: 4,
  },
  {
    request: / \/queues\S*use_regex=true/,
    line: /^status: 200 in RabbitMQ, 400 in Warren/,
    reason: "a pattern that is none finds nothing in 4.x; here it is told",
    from: 4,
  },
  {
    request: / \/(channels|connections|vhosts)/,
    line: /global_prefetch_count: only in Warren/,
    reason: "tools from before 4.x read it",
    from: 4,
  },
  {
    request: / \/(channels|connections|vhosts)/,
    line: /cached_segments: only in RabbitMQ/,
    reason: "what RabbitMQ's channels keep of streams",
    from: 4,
  },
  {
    request: /\/health\/checks\/node-is-mirror-sync-critical/,
    line: /^(status: 404 in RabbitMQ, 200 in Warren|allow: null)/,
    reason: "tools from before 4.x ask for it",
    from: 4,
  },
  {
    request: /PUT \/topic-permissions\/zz|GET \/(vhosts\/zz|users\/ann)\/topic-permissions/,
    line: /(^status: 400 in RabbitMQ, 20[14] in Warren|^\[\]: empty in RabbitMQ)/,
    reason: "the exchange may come later than its permissions, as before 4.x",
    from: 4,
  },
  {
    request: /GET \/vhost-limits/,
    line: /^order: /,
    reason: "sorted; in 4.x as they come",
    from: 4,
  },
  {
    request: /PUT \/(queues|exchanges)\/.*nope/,
    line: /^error: .*(is not a cluster member|unknown exchange type)/,
    reason: "other words for the same",
    from: 4,
  },
  {
    request: /POST \/queues\/\S+\/actions .*"sync"/,
    line: /^status: 400 in RabbitMQ, 204 in Warren/,
    reason: "tools from before 4.x send it, and there is nothing to do",
    from: 4,
  },
  {
    request: / as '(man|pol|mon):p'/,
    line: /^error: .*"not_found","reason":"Not Found"/,
    reason: "a vhost that somebody may not enter is told in the words for one that there is not",
    from: 4,
  },
];
