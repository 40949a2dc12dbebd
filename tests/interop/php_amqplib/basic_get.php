<?php

/** basic.get: one message at a time, with ack, reject, nack and requeue. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Message\AMQPMessage;

function main(): void
{
    $connection = connect();
    $channel = $connection->channel();
    $queue = own_queue($channel);
    equal($channel->basic_get($queue), null);
    foreach (['a', 'b', 'c', 'd'] as $body) {
        $channel->basic_publish(new AMQPMessage($body), '', $queue);
    }

    $a = $channel->basic_get($queue);
    equal(seen($a), ['a', 1, false, 3]);
    equal([$a->getExchange(), $a->getRoutingKey()], ['', $queue]);
    $a->ack();

    $b = $channel->basic_get($queue);
    equal(seen($b), ['b', 2, false, 2]);
    $b->reject(true);
    $b = $channel->basic_get($queue);
    equal(seen($b), ['b', 3, true, 2], 'back in its place');
    $b->reject(false);

    equal(seen($channel->basic_get($queue)), ['c', 4, false, 1]);
    $d = $channel->basic_get($queue);
    equal(seen($d), ['d', 5, false, 0]);
    $d->nack(true, true);
    equal(redelivered($channel, $queue), [['c', true], ['d', true]]);

    $channel->basic_publish(new AMQPMessage('e'), '', $queue);
    equal($channel->basic_get($queue)->getBody(), 'e');
    $channel->basic_recover(true);
    equal(redelivered($channel, $queue), [['e', true]]);
    $connection->close();
}

function seen(AMQPMessage $message): array
{
    return [
        $message->getBody(),
        $message->getDeliveryTag(),
        $message->isRedelivered(),
        (int) $message->getMessageCount(),
    ];
}

function redelivered(AMQPChannel $channel, string $queue): array
{
    $seen = fn (AMQPMessage $message) => [$message->getBody(), $message->isRedelivered()];
    return array_map($seen, drain($channel, $queue));
}

play(main(...));
