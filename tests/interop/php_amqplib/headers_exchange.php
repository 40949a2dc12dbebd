<?php

/** A headers exchange, with all or any of the headers of a binding; one exchange bound to another. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Exchange\AMQPExchangeType;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

const HEADERS = [
    'both' => ['colour' => 'red', 'size' => 3],
    'colour alone' => ['colour' => 'red'],
    'size alone' => ['size' => 3, 'other' => true],
    'another size' => ['size' => 4],
    'neither' => [],
];

function main(): void
{
    $connection = connect();
    $channel = $connection->channel();
    [$source, $exchange] = [unique('source'), unique('headers')];
    $channel->exchange_declare($source, AMQPExchangeType::FANOUT, false, false, false);
    $channel->exchange_declare($exchange, AMQPExchangeType::HEADERS, false, false, false);
    $channel->exchange_bind($exchange, $source);
    $all = subscribe($channel, $exchange, ['x-match' => 'all', 'colour' => 'red', 'size' => 3]);
    $any = subscribe($channel, $exchange, ['x-match' => 'any', 'colour' => 'red', 'size' => 3]);
    publish($channel, $source);
    equal(bodies(drain($channel, $all)), ['both']);
    equal(bodies(drain($channel, $any)), ['both', 'colour alone', 'size alone']);

    $channel->exchange_unbind($exchange, $source);
    publish($channel, $source);
    equal([waiting($channel, $all), waiting($channel, $any)], [0, 0]);
    $channel->exchange_delete($exchange);
    $channel->exchange_delete($source);
    $connection->close();
}

function subscribe(AMQPChannel $channel, string $exchange, array $arguments): string
{
    $queue = own_queue($channel);
    $channel->queue_bind($queue, $exchange, '', false, new AMQPTable($arguments));
    return $queue;
}

function publish(AMQPChannel $channel, string $exchange): void
{
    foreach (HEADERS as $body => $headers) {
        $properties = ['application_headers' => new AMQPTable($headers)];
        $channel->basic_publish(new AMQPMessage($body, $properties), $exchange);
    }
}

play(main(...));
