"""Topics: patterns of words, with * for one word and # for any number of them."""

from support import connect, equal, play, unique

# Who gets what: patterns of a queue, and the keys among KEYS that match.
SUBSCRIPTIONS = [
    (["*.orange.*"], ["quick.orange.rabbit", "lazy.orange.elephant", "quick.orange.fox"]),
    (
        ["*.*.rabbit", "lazy.#"],
        [
            "quick.orange.rabbit",
            "lazy.orange.elephant",
            "lazy.brown.fox",
            "lazy.pink.rabbit",
            "lazy.orange.new.rabbit",
            "lazy",
        ],
    ),
    (["#"], None),
    (["orange"], ["orange"]),
    (["*"], ["orange", "lazy"]),
    (
        ["#.rabbit"],
        [
            "quick.orange.rabbit",
            "lazy.pink.rabbit",
            "quick.orange.new.rabbit",
            "lazy.orange.new.rabbit",
        ],
    ),
    (["lazy.#.rabbit"], ["lazy.pink.rabbit", "lazy.orange.new.rabbit"]),
]

KEYS = [
    "quick.orange.rabbit",
    "lazy.orange.elephant",
    "quick.orange.fox",
    "lazy.brown.fox",
    "lazy.pink.rabbit",
    "quick.brown.fox",
    "orange",
    "quick.orange.new.rabbit",
    "lazy.orange.new.rabbit",
    "lazy",
]


def main():
    exchange = unique("topic_logs")
    with connect() as connection:
        channel = connection.channel()
        channel.exchange_declare(exchange=exchange, exchange_type="topic")
        queues = [subscribe(channel, exchange, patterns) for patterns, _ in SUBSCRIPTIONS]
        for key in KEYS:
            channel.basic_publish(exchange=exchange, routing_key=key, body=key)
        for queue, (patterns, keys) in zip(queues, SUBSCRIPTIONS):
            equal(drain(channel, queue), KEYS if keys is None else keys, f"{patterns}")
        channel.exchange_delete(exchange)


def subscribe(channel, exchange, patterns):
    queue = channel.queue_declare(queue="", exclusive=True).method.queue
    for pattern in patterns:
        channel.queue_bind(exchange=exchange, queue=queue, routing_key=pattern)
    return queue


def drain(channel, queue):
    keys = []
    while (message := channel.basic_get(queue, auto_ack=True))[0] is not None:
        method, _, body = message
        equal(body.decode(), method.routing_key)
        keys.append(method.routing_key)
    return keys


play(main)
