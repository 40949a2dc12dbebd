<?php

/** What the programs for PHP's extension share: how to connect, queues, receiving. */

declare(strict_types=1);

require_once __DIR__ . '/../php_amqplib/support.checks.php';

/** Connects with options as the extension has them. */
function connect(array $options = []): AMQPConnection
{
    $timeouts = ['connect_timeout', 'read_timeout', 'write_timeout', 'rpc_timeout'];
    $patience = array_fill_keys($timeouts, PATIENCE);
    $login = ['host' => '127.0.0.1', 'port' => PORT, 'login' => 'guest', 'password' => 'guest'];
    $connection = new AMQPConnection([...$patience, ...$login, ...$options]);
    $connection->connect();
    return $connection;
}

/** A queue that was not declared yet. */
function queue(AMQPChannel $channel, string $name, int $flags = AMQP_NOPARAM): AMQPQueue
{
    $queue = new AMQPQueue($channel);
    $queue->setName($name);
    $queue->setFlags($flags);
    return $queue;
}

/** Declares a queue that is this connection's alone. */
function own_queue(AMQPChannel $channel, array $arguments = []): AMQPQueue
{
    $queue = queue($channel, unique('own'), AMQP_EXCLUSIVE);
    $queue->setArguments($arguments);
    $queue->declareQueue();
    return $queue;
}

/** Declares a queue that stays, of a kind such as classic or quorum. */
function lasting_queue(AMQPChannel $channel, string $type): AMQPQueue
{
    $queue = queue($channel, unique($type), AMQP_DURABLE);
    $queue->setArgument('x-queue-type', $type);
    $queue->declareQueue();
    return $queue;
}

/** How many messages wait in a queue. */
function waiting(AMQPChannel $channel, AMQPQueue $queue): int
{
    return queue($channel, $queue->getName(), AMQP_PASSIVE)->declareQueue();
}

/** The default exchange. */
function default_exchange(AMQPChannel $channel): AMQPExchange
{
    return new AMQPExchange($channel);
}

/**
 * Consumes so many messages.
 *
 * @return AMQPEnvelope[]
 */
function receive(AMQPQueue $queue, int $count, int $flags = AMQP_NOPARAM): array
{
    $messages = [];
    $queue->consume(function (AMQPEnvelope $message) use (&$messages, $count): bool {
        $messages[] = $message;
        return count($messages) < $count;
    }, $flags);
    $queue->cancel();
    return $messages;
}

/** @param AMQPEnvelope[] $messages */
function bodies(array $messages): array
{
    // false stands for one without octets
    return array_map(fn (AMQPEnvelope $message) => (string) $message->getBody(), $messages);
}

/** All that waits in a queue, taken out of it. */
function drain(AMQPQueue $queue): array
{
    $messages = [];
    while (($message = $queue->get(AMQP_AUTOACK)) !== false) {
        $messages[] = $message;
    }
    return $messages;
}
