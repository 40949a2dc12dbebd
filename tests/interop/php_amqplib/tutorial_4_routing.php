<?php

/** Routing: a direct exchange gives each queue the severities that it was bound with. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Exchange\AMQPExchangeType;
use PhpAmqpLib\Message\AMQPMessage;

function main(): void
{
    $exchange = unique('direct_logs');
    $connection = connect();
    $channel = $connection->channel();
    $channel->exchange_declare($exchange, AMQPExchangeType::DIRECT, false, false, false);
    $to_disk = subscribe($channel, $exchange, ['error']);
    $to_screen = subscribe($channel, $exchange, ['info', 'warning', 'error']);

    publish_all($channel, $exchange);
    equal(keys($channel, $to_disk), ['error']);
    equal(keys($channel, $to_screen), ['info', 'warning', 'error']);

    $channel->queue_unbind($to_screen, $exchange, 'info');
    publish_all($channel, $exchange);
    equal(keys($channel, $to_disk), ['error']);
    equal(keys($channel, $to_screen), ['warning', 'error']);
    $channel->exchange_delete($exchange);
    $connection->close();
}

function subscribe(AMQPChannel $channel, string $exchange, array $severities): string
{
    $queue = own_queue($channel);
    foreach ($severities as $severity) {
        $channel->queue_bind($queue, $exchange, $severity);
    }
    return $queue;
}

function publish_all(AMQPChannel $channel, string $exchange): void
{
    foreach (['info', 'warning', 'error', 'debug'] as $severity) {
        $channel->basic_publish(new AMQPMessage("a $severity"), $exchange, $severity);
    }
}

function keys(AMQPChannel $channel, string $queue): array
{
    return array_map(function (AMQPMessage $message): string {
        equal($message->getBody(), "a {$message->getRoutingKey()}");
        return $message->getRoutingKey();
    }, drain($channel, $queue));
}

play(main(...));
