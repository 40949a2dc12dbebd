<?php

/** Topics: patterns of words, with * for one word and # for any number of them. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Exchange\AMQPExchangeType;
use PhpAmqpLib\Message\AMQPMessage;

const KEYS = [
    'quick.orange.rabbit',
    'lazy.orange.elephant',
    'quick.orange.fox',
    'lazy.brown.fox',
    'lazy.pink.rabbit',
    'quick.brown.fox',
    'orange',
    'quick.orange.new.rabbit',
    'lazy.orange.new.rabbit',
    'lazy',
];

/** Patterns of a queue, and the keys among KEYS that match. */
const SUBSCRIPTIONS = [
    [['*.orange.*'], ['quick.orange.rabbit', 'lazy.orange.elephant', 'quick.orange.fox']],
    [
        ['*.*.rabbit', 'lazy.#'],
        [
            'quick.orange.rabbit',
            'lazy.orange.elephant',
            'lazy.brown.fox',
            'lazy.pink.rabbit',
            'lazy.orange.new.rabbit',
            'lazy',
        ],
    ],
    [['#'], KEYS],
    [['*'], ['orange', 'lazy']],
    [['lazy.#.rabbit'], ['lazy.pink.rabbit', 'lazy.orange.new.rabbit']],
];

function main(): void
{
    $exchange = unique('topic_logs');
    $connection = connect();
    $channel = $connection->channel();
    $channel->exchange_declare($exchange, AMQPExchangeType::TOPIC, false, false, false);
    $queues = array_map(
        fn (array $subscription) => subscribe($channel, $exchange, $subscription[0]),
        SUBSCRIPTIONS
    );
    foreach (KEYS as $key) {
        $channel->basic_publish(new AMQPMessage($key), $exchange, $key);
    }
    foreach (SUBSCRIPTIONS as $index => [$patterns, $keys]) {
        equal(bodies(drain($channel, $queues[$index])), $keys, implode(' and ', $patterns));
    }
    $channel->exchange_delete($exchange);
    $connection->close();
}

function subscribe(AMQPChannel $channel, string $exchange, array $patterns): string
{
    $queue = own_queue($channel);
    foreach ($patterns as $pattern) {
        $channel->queue_bind($queue, $exchange, $pattern);
    }
    return $queue;
}

play(main(...));
