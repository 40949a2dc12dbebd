import type { Generation } from "./generation.ts";

/** Cases in which Warren is meant to differ from the RabbitMQ that it is compared with, and why. */
export interface IntendedDifference {
  /** Why Warren does it in its own way. */
  readonly reason: string;
  /** Areas and names of the cases. */
  readonly titles: readonly string[];
  /** True when RabbitMQ shows it now and then, and is the same at other times. */
  readonly sometimes?: boolean;
  /** Which RabbitMQ it is a difference from: 3, with which a broker is compared that is told nothing, or 4, with
   * the profile `rabbitmq-4.3`. Absent: both. */
  readonly from?: Generation;
}

/** Differences from RabbitMQ 3.10.8 and 4.3.6, Debian's, that are meant to be. */
export const INTENDED_DIFFERENCES: readonly IntendedDifference[] = [
  {
    reason: "clients choose by the version how they use basic.qos, and Warren behaves like 3.13",
    titles: ["connections: the broker tells its version"],
    from: 3,
  },
  {
    reason: "since 3.13 this closes the channel alone",
    titles: ["errors: declaring an exchange of an unknown type"],
    from: 3,
  },
  {
    reason: "since 3.13 the last death is told too",
    titles: ["dead letters: the last death is told as well"],
    from: 3,
  },
  {
    reason:
      "since 3.13 what has no count is no death; before, it counted as one, if it was a text as well",
    titles: ["dead letters: of a story that a client tells, deaths without a count are none"],
    from: 3,
  },
  {
    reason: "RabbitMQ 3.10 turns the older deaths round each time, later ones keep their order",
    titles: [
      "dead letters: deaths of the same kind in one queue are counted, and come to the front",
    ],
    from: 3,
  },
  {
    reason: "once a message is routed nothing knows its BCC any more, not even the disk",
    titles: ["dead letters: the keys in BCC count for a dead message"],
  },
  {
    reason: "since 3.12 the one of the highest priority is served",
    titles: [
      "single active consumer: one of higher priority takes over a quorum queue at once if " +
      "nothing is unsettled",
      "single active consumer: one of higher priority takes over a quorum queue when all is settled",
    ],
    from: 3,
  },
  {
    reason: "since 4.3.6 ages are compared, and not how they are written",
    titles: ["streams: its age may be said in another way when it is declared again"],
    from: 3,
  },
  {
    reason: "since 4.0 quorum queues have a limit by themselves, and -1 stands for none",
    titles: [
      "delivery limit: a quorum queue has a limit of 20",
      "delivery limit: a limit of -1 is none",
      "delivery limit: what comes back to a quorum queue without a limit goes out last",
    ],
    from: 3,
  },
  {
    reason: "a limit does no harm to a classic queue, and spares it endless rounds",
    titles: [
      "delivery limit: a classic queue may have a limit too",
      "delivery limit: a limit of a classic queue may be declared again, and not another one",
      "queue arguments: x-delivery-limit is known to classic, quorum queues",
    ],
  },
  {
    reason: "RabbitMQ does not know the argument: its classic queues do not count",
    titles: [
      "delivery limit: a classic queue tells how often a message came back, if it is asked to",
    ],
  },
  {
    reason: "RabbitMQ 3.10 tells 0 to who gets a new message, and nothing to who consumes it",
    titles: [
      "delivery limit: a quorum queue tells how often a message came back, when one gets it",
      "delivery limit: what is told stays when the message is dead, and begins anew",
    ],
    from: 3,
  },
  {
    reason: "since 4.0 classic queues know it too",
    titles: [
      "queue arguments: x-queue-leader-locator is known to classic, quorum, stream queues",
      'queue arguments: x-queue-leader-locator is not "here", and who does not know it says no more',
    ],
    from: 3,
  },
  {
    reason: "this type came with 4.0",
    titles: [
      "one of many: a local random exchange brings each message to one queue",
      "one of many: a local random exchange takes no binding key",
      "one of many: a local random exchange takes no quorum queue",
      "one of many: a local random exchange takes no stream queue",
    ],
    from: 3,
  },
  {
    reason: "since 3.13 an integer is no double, whatever their values",
    titles: [
      "routing: headers: an integer and the same double does not match",
      "routing: headers: a double and the same integer does not match",
      "routing: headers: a large integer and the same double does not match",
    ],
    from: 3,
  },
  {
    reason: "since 3.13 any number is taken",
    titles: ["properties: a delivery mode that there is not arrives as sent"],
    from: 3,
  },
  {
    reason: "since 4.2 a direct reply is routed to who waits for it",
    titles: ["direct reply-to: a mandatory reply that somebody got does not come back"],
    from: 3,
  },
  {
    reason: "since 4.3 quorum queues have priorities",
    titles: [
      "quorum: messages go out by their priority, of which 31 is the highest, and 4 that of most",
    ],
    from: 3,
  },
  {
    reason: "with two consumers of one tag nobody could tell their deliveries apart",
    titles: ["errors: using the tag of the consumer of direct replies"],
  },
  {
    reason: "since 4.3 a weight has a limit",
    titles: [`consistent hash: a weight "10001" is refused`],
    from: 3,
  },
  {
    reason: "oldest first, as where a queue is bound; RabbitMQ turns the order around",
    titles: ["recent history: an exchange that is bound passes them on"],
  },
  {
    reason: "Erlang has no such number, so RabbitMQ fails inside; here it is one like any other",
    titles: ["properties: a header may be infinity", "properties: a header may be not a number"],
  },
  {
    reason: "RabbitMQ drops the socket without a word, here the client is told why",
    titles: [
      "handshake: a client may not want frames of 4095",
      "handshake: a client may not want frames of 1",
      "handshake: a client may not want frames without a limit",
      "handshake: a client may not want larger frames than offered",
      "handshake: a client may not want channels without a limit",
      "handshake: a client may not want more channels than offered",
      "handshake: a client may not want both limits wrong",
      "handshake: connection.tune-ok before connection.start-ok is out of turn",
      "handshake: connection.open before connection.start-ok is out of turn",
      "handshake: connection.open before connection.tune-ok is out of turn",
      "handshake: connection.start-ok twice is out of turn",
      "handshake: channel.open before the connection is open is out of turn",
      "handshake: a client may close after connection.start",
      "handshake: a client may close after connection.tune",
      "login: a response of PLAIN without its parts is refused in so many words",
      "login: an empty response of PLAIN is refused in so many words",
      "login: an identity to act as in PLAIN is refused in so many words",
      "login: AMQPLAIN without a password is refused in so many words",
      "login: a mechanism that was not offered is refused",
      "methods: a class that there is not ends the connection",
      "methods: a method that its class has not ends the connection",
      "methods: a table with an unknown letter ends the connection",
      "methods: a table that ends within a value ends the connection",
    ],
  },
  {
    reason: "RabbitMQ tells the octets, here the text tells what is wrong with them",
    titles: [
      "methods: a method without its fields ends the connection",
      "methods: a method that ends within a short string ends the connection",
      "methods: a table that is longer than its method ends the connection",
    ],
  },
  {
    reason: "RabbitMQ calls it a fault of its own, but it is the client's",
    titles: [
      "methods: a content header with a second word of flags ends the connection",
      "methods: a content header with a property that is cut short ends the connection",
      "methods: a content header with a table that is cut short ends the connection",
      "methods: a content header with more than the properties ends the connection",
    ],
  },
  {
    reason: "RabbitMQ 3.10 does not notice, later ones do",
    titles: [
      "frames: more body than was announced ends the connection",
      "frames: a body announced above 512 MiB ends the connection",
      "frames: a body announced far above that ends the connection",
    ],
    from: 3,
  },
  {
    reason: "such a property cannot be passed on: nobody knows its type",
    titles: ["methods: a content header with an unknown property ends the connection"],
  },
  {
    reason: "RabbitMQ refuses what the specification leaves open; nobody sends it",
    titles: [
      "methods: a method may be longer than its fields",
      "content: the weight in a content header means nothing",
    ],
  },
  {
    reason: "since 3.13 streams have filters",
    titles: [
      "streams: one with a filter that is too small is refused",
      "streams: one with a filter that is too large is refused",
      "streams: a consumer gets what has the value it wants",
      "streams: a consumer gets what has one of its values",
      "streams: a consumer gets what has no value too, if it wants that",
    ],
    from: 3,
  },
  {
    reason: "the text is that of RabbitMQ 4",
    titles: [
      "streams: a consumer must have a prefetch limit",
      "streams: a consumer must ack",
      "streams: a limit for the whole channel is none for a consumer",
    ],
    from: 3,
  },
  {
    reason: "RabbitMQ 3.10 fails inside, later ones do not",
    titles: [
      "streams: one of the age D is refused",
      "streams: a consumer may not begin at a name that there is not",
      "streams: recover gives room for one more and brings nothing back",
    ],
    from: 3,
  },
  {
    reason: "RabbitMQ 3.10 sometimes brings nothing more after that",
    titles: [
      "streams: nack gives room for one more and brings nothing back",
      "streams: reject gives room for one more and brings nothing back",
    ],
    sometimes: true,
    from: 3,
  },
  {
    reason: "RabbitMQ keeps a stream's messages in AMQP 1.0, which has no place for them",
    titles: ["streams: a message keeps a list and a table among its headers"],
  },
  {
    reason: "since 4.2 it takes a permission to find out whether something exists",
    titles: [
      "permissions: queue.declare that only asks, with nothing",
      "permissions: exchange.declare that only asks, with nothing",
    ],
    from: 3,
  },
  {
    reason: "since 4.0 the keys in CC and BCC need a topic permission as well",
    titles: [
      "permissions: basic.publish with a copy to a routing key that is not, with all it needs",
    ],
    from: 3,
  },
  {
    reason: "RabbitMQ blames no method, here it is the one that asked",
    titles: ["channels: more channels than agreed on are refused"],
  },
  {
    reason:
      "since 4.0 what AMQP 1.0 has no form for is lost on the way: times are compared with others, " +
      "and headers are sorted, each name once",
    titles: [
      "routing: headers: an equal time matches",
      "properties: headers keep their order, and any name will do",
      "content: a header of the same name twice: the octets that come in go out",
    ],
    from: 4,
  },
  {
    reason: "since 4.0 what a client rejected counts as redelivered where it is dead",
    titles: [
      "dead letters: a rejected message tells so",
      "dead letters: a queue gets back what a client rejected, if it is told so",
    ],
    from: 4,
  },
  {
    reason: "since 4.0 the header stays, though it counts no more",
    titles: ["dead letters: a key for dead messages stands for those in CC too, which goes"],
    from: 4,
  },
  {
    reason: "RabbitMQ 4 fails inside, or forgets the message, when queues have come and gone",
    titles: [
      "tx: a queue that goes before the commit takes its messages with it, and they come back",
      "tx: a queue that comes before the commit gets what was published to its name",
    ],
    from: 4,
  },
  {
    reason: "a reply that nobody got is no reply: its server hears of it",
    titles: ["direct reply-to: a mandatory reply to somebody who has gone comes back"],
    from: 4,
  },
  {
    reason: "RabbitMQ 4 fails inside",
    titles: [
      "direct reply-to: an address of nobody is like a queue that is not there",
      "direct reply-to: whoever declares an address only asks, whatever else is said",
      "channels: basic.cancel-ok ends the connection",
    ],
    from: 4,
  },
  {
    reason:
      "RabbitMQ 4 adds the type to the arguments, and compares ages in milliseconds: the same " +
      "refusal in other words",
    titles: [
      "quorum: it may be declared again as it is, and not as a classic one",
      "quorum: a classic one may not be declared again as one",
      "streams: it may be declared again as it is, and not in another way",
      "single active consumer: nobody may get from a quorum queue",
    ],
    from: 4,
  },
  {
    reason: "since 4.0 a stream says of each message whether it is persistent",
    titles: ["streams: a message keeps its address and properties and gets its offset"],
    from: 4,
  },
  {
    reason: "RabbitMQ 4 refuses what is published while a queue goes",
    titles: [
      "queue expiry: an unused queue goes, whatever is published to it",
      "queue expiry: a message that was delivered may be acked when the queue is gone",
      "queue expiry: a queue with a consumer stays, and goes when that has left",
      "queue expiry: a queue of this name may be declared anew",
    ],
    sometimes: true,
    from: 4,
  },
  {
    reason:
      "since 4.3 nobody looks at a queue's mode, and here a wrong one is a mistake to be told of",
    titles: [
      'queue arguments: x-queue-mode is not "eager", and who does not know it says no more',
      'errors: declaring a queue with { "x-queue-mode": "eager" }',
      'errors: declaring a queue with { "x-queue-mode": 1 }',
    ],
    from: 4,
  },
  {
    reason: "it means nothing on one node, so it does no harm",
    titles: ["queue arguments: x-queue-master-locator is known to classic queues"],
    from: 4,
  },
  {
    reason: "RabbitMQ 4 speaks this protocol",
    titles: ["protocol header: AMQP 1.0 with SASL is answered with our own header, and the end"],
    from: 4,
  },
  {
    reason: "nobody gets in without a name unless a broker is told so",
    titles: ["handshake: connection.start names the mechanisms and locales"],
    from: 4,
  },
  {
    reason: "both refuse frames of 4096; RabbitMQ drops the socket without a word",
    titles: [
      "handshake: a client may want frames of 4096",
      "frames: a whole conversation may come octet by octet",
      "content: 4088 octets for frames of 4096 are cut in the right place",
      "content: 4089 octets for frames of 4096 are cut in the right place",
      "content: 10000 octets for frames of 4096 are cut in the right place",
      "content: 0 octets for frames of 4096 are cut in the right place",
    ],
    from: 4,
  },
  {
    reason: "what is given back does not count there, which the case waits for",
    titles: ["delivery limit: where nothing takes dead messages they are lost"],
    from: 4,
  },
  {
    reason:
      "arguments are told as somebody declared them, where 4.x adds the queue's type; as text it fails at them",
    titles: [
      "rabbitmqctl -q list_queues -p ctl name messages arguments durable auto_delete",
      "rabbitmqctl list_queues -p ctl --formatter csv name arguments",
      "rabbitmqctl --formatter=erlang list_queues -p ctl name arguments durable type",
    ],
    from: 4,
  },
  {
    reason: "columns in the order in which they were asked for, as before 4.x",
    titles: [
      "rabbitmqctl list_queues -p ctl --formatter json name messages policy exclusive",
      "rabbitmqctl list_bindings -p ctl --formatter=json source_name routing_key arguments",
      "rabbitmqctl list_policies -p ctl --formatter json",
    ],
    from: 4,
  },
  {
    reason: "words as before 4.x, with the same status",
    titles: [
      "rabbitmqctl list_queues name foo bar",
      "rabbitmqctl set_policy -p ctl p3 x notjson",
      "rabbitmqctl delete_queue -p ctl orders",
      "rabbitmqctl import_definitions /nope/definitions.json",
      'rabbitmqctl decode {encrypted,<<"nope">>} secret',
      'rabbitmqctl decode {encrypted,<<"hn5J6FZH33S+DQtigfdeQsvA+zsiRHYFQk1mBPTkbtOVShrDxyiLBdVLw1pPoJ5Z">>} mypassphrase',
      "rabbitmqctl encode a b( secret",
      "rabbitmqctl add_user",
      "rabbitmqctl add_user a b c",
      "rabbitmqctl add_user ctl_user secret (3)",
    ],
    from: 4,
  },
  {
    reason: "here it still looks",
    titles: [
      "rabbitmqctl --script-name rabbitmq-diagnostics check_local_alarms",
      "rabbitmqctl node_health_check",
    ],
    from: 4,
  },
  {
    reason: "scripts know the status of before 4.x",
    titles: [
      "rabbitmqctl purge_queue -p ctl nope",
      "rabbitmqctl delete_queue -p ctl held --if-unused",
    ],
    from: 4,
  },
  {
    reason: "who is not there was perhaps written wrong, as before 4.x",
    titles: [
      "rabbitmqctl delete_user ctl_user (2)",
    ],
    from: 4,
  },
  {
    reason: "4.x cannot do it with Khepri: the vhost stays there",
    titles: [
      "rabbitmqctl -q force_reset",
      "rabbitmqctl force_reset (2)",
      "rabbitmqctl -q list_vhosts (2)",
    ],
    from: 4,
  },
];
