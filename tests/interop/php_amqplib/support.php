<?php

/** What the php-amqplib programs share: how to connect, queues, waiting. */

declare(strict_types=1);

require_once 'PhpAmqpLib/autoload.php';
require_once __DIR__ . '/support.checks.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Connection\AbstractConnection;
use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPTimeoutException;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

/** For how long a client of this library waits for anything. */
const TIMEOUTS = [
    'connection_timeout' => PATIENCE,
    'read_write_timeout' => PATIENCE,
    'channel_rpc_timeout' => PATIENCE,
];

/** Connects with options by the names of the constructor's parameters. */
function connect(mixed ...$options): AMQPStreamConnection
{
    $login = ['user' => 'guest', 'password' => 'guest'];
    return new AMQPStreamConnection('127.0.0.1', PORT, ...[...$login, ...TIMEOUTS, ...$options]);
}

/** Declares a queue that goes with its connection, and gives its name. */
function own_queue(AMQPChannel $channel, array $arguments = []): string
{
    $table = new AMQPTable($arguments);
    return $channel->queue_declare('', exclusive: true, auto_delete: false, arguments: $table)[0];
}

/** Declares a queue that stays, of a kind such as classic or quorum; gives its name. */
function lasting_queue(AMQPChannel $channel, string $type, array $arguments = []): string
{
    $queue = unique($type);
    $table = new AMQPTable(['x-queue-type' => $type, ...$arguments]);
    $channel->queue_declare($queue, durable: true, auto_delete: false, arguments: $table);
    return $queue;
}

/** How many messages wait in a queue. */
function waiting(AMQPChannel $channel, string $queue): int
{
    return $channel->queue_declare($queue, passive: true)[1];
}

/** Lets the channel work until the condition holds. */
function wait_until(AMQPChannel|AbstractConnection $channel, callable $done, string $what): void
{
    $until = microtime(true) + PATIENCE;
    while (!$done()) {
        try {
            $channel->wait(null, false, max(0.001, $until - microtime(true)));
        } catch (AMQPTimeoutException) {
            throw new Exception("$what: waited for " . PATIENCE . ' s');
        }
    }
}

/** The callback of a consumer: keeps what comes. */
final class Inbox
{
    /** @var AMQPMessage[] */
    public array $messages = [];

    public function __invoke(AMQPMessage $message): void
    {
        $this->messages[] = $message;
    }

    /** Lets the channel work until so many are here. */
    public function wait_for(int $count, AMQPChannel $channel): array
    {
        wait_until($channel, fn () => count($this->messages) >= $count, "$count messages");
        return $this->messages;
    }
}

/**
 * Consumes so many messages; options are named as the parameters of `basic_consume`.
 *
 * @return AMQPMessage[]
 */
function receive(AMQPChannel $channel, string $queue, int $count, mixed ...$options): array
{
    $inbox = new Inbox();
    $tag = $channel->basic_consume(...['queue' => $queue, 'callback' => $inbox, ...$options]);
    $messages = $inbox->wait_for($count, $channel);
    $channel->basic_cancel($tag);
    return $messages;
}

/** @param AMQPMessage[] $messages */
function bodies(array $messages): array
{
    return array_map(fn (AMQPMessage $message) => $message->getBody(), $messages);
}

/** All that waits in a queue, taken out of it. */
function drain(AMQPChannel $channel, string $queue): array
{
    $messages = [];
    while (($message = $channel->basic_get($queue, true)) !== null) {
        $messages[] = $message;
    }
    return $messages;
}
