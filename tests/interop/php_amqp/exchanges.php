<?php

/** Exchanges of each type, bound to queues and to each other, and what becomes of them. */

declare(strict_types=1);

require_once 'support.php';

/** Bindings of a queue, what is published by key, and which of it arrives. */
const CASES = [
    [AMQP_EX_TYPE_FANOUT, [''], ['a', 'b'], ['a', 'b']],
    [AMQP_EX_TYPE_DIRECT, ['a', 'c'], ['a', 'b', 'c'], ['a', 'c']],
    [AMQP_EX_TYPE_TOPIC, ['*.b.*', 'lazy.#'], ['a.b.c', 'lazy', 'b'], ['a.b.c', 'lazy']],
];

function main(): void
{
    $connection = connect();
    $channel = new AMQPChannel($connection);
    foreach (CASES as [$type, $bindings, $keys, $arriving]) {
        $exchange = exchange($channel, $type);
        $queue = own_queue($channel);
        foreach ($bindings as $binding) {
            $queue->bind($exchange->getName(), $binding);
        }
        foreach ($keys as $key) {
            $exchange->publish($key, $key);
        }
        equal(bodies(drain($queue)), $arriving, $type);
        $queue->unbind($exchange->getName(), $bindings[0]);
        $exchange->delete();
    }
    match_headers($channel);
    bind_to_each_other($channel);
    $connection->disconnect();
}

function exchange(AMQPChannel $channel, string $type): AMQPExchange
{
    $exchange = new AMQPExchange($channel);
    $exchange->setName(unique($type));
    $exchange->setType($type);
    $exchange->declareExchange();
    return $exchange;
}

function match_headers(AMQPChannel $channel): void
{
    $exchange = exchange($channel, AMQP_EX_TYPE_HEADERS);
    $queue = own_queue($channel);
    $headers = ['size' => 3, 'big' => true, 'part' => 0.5];
    $queue->bind($exchange->getName(), '', ['x-match' => 'all', ...$headers]);
    $exchange->publish('right', '', AMQP_NOPARAM, ['headers' => $headers]);
    $exchange->publish('wrong', '', AMQP_NOPARAM, ['headers' => [...$headers, 'big' => false]]);
    equal(bodies(drain($queue)), ['right']);
    $exchange->delete();
}

function bind_to_each_other(AMQPChannel $channel): void
{
    $source = exchange($channel, AMQP_EX_TYPE_DIRECT);
    $target = exchange($channel, AMQP_EX_TYPE_FANOUT);
    $queue = own_queue($channel);
    $queue->bind($target->getName());
    $target->bind($source->getName(), 'through');
    $source->publish('one', 'through');
    $source->publish('lost', 'elsewhere');
    $target->unbind($source->getName(), 'through');
    $source->publish('too late', 'through');
    equal(bodies(drain($queue)), ['one']);
    $source->delete();
    $target->delete();
}

play(main(...));
