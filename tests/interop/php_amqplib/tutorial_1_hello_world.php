<?php

/** Hello World: one program publishes to a queue, another one consumes it; over both kinds of sockets. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Connection\AbstractConnection;
use PhpAmqpLib\Connection\AMQPSocketConnection;
use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Message\AMQPMessage;

function main(): void
{
    foreach (['stream', 'socket'] as $kind) {
        say_hello($kind);
    }
}

function say_hello(string $kind): void
{
    $queue = unique('hello');
    $connection = open($kind);
    $channel = $connection->channel();
    equal($channel->queue_declare($queue, false, false, false, false), [$queue, 0, 0]);
    $receiver = new Worker('receiver', $kind, $queue);
    equal($receiver->line(), 'ready');
    equal($channel->queue_declare($queue, true)[2], 1, 'consumers');
    $channel->basic_publish(new AMQPMessage('Hello World!'), '', $queue);
    equal($receiver->line(), 'Hello World!');
    equal($receiver->line(), 'closed');
    equal($channel->queue_delete($queue), 0);
    $channel->close();
    $connection->close();
    equal($connection->isConnected(), false);
}

function receive_hello(string $kind, string $queue): void
{
    $connection = open($kind);
    $channel = $connection->channel();
    $channel->queue_declare($queue, false, false, false, false);
    $on_message = function (AMQPMessage $message) use ($queue): void {
        equal([$message->getExchange(), $message->getRoutingKey()], ['', $queue]);
        equal([$message->getDeliveryTag(), $message->isRedelivered()], [1, false]);
        equal($message->get_properties(), []);
        true(str_starts_with($message->getConsumerTag(), 'amq.ctag-'), 'a tag that was made up');
        say($message->getBody());
        $message->getChannel()->stopConsume();
    };
    $channel->basic_consume($queue, '', false, true, false, false, $on_message);
    say('ready');
    $channel->consume();
    $channel->close();
    $connection->close();
    say('closed');
}

function open(string $kind): AbstractConnection
{
    return match ($kind) {
        'stream' => new AMQPStreamConnection('localhost', PORT, 'guest', 'guest'),
        'socket' => new AMQPSocketConnection('localhost', PORT, 'guest', 'guest'),
    };
}

play(main(...), receiver: receive_hello(...));
