<?php

/** A broker that is short of memory: publishers are told, and told again when it is over. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Exception\AMQPConnectionBlockedException;
use PhpAmqpLib\Message\AMQPMessage;

function main(): void
{
    $connection = connect();
    $events = new ArrayObject();
    $connection->set_connection_block_handler(fn (string $reason) => $events->append("blocked: $reason"));
    $connection->set_connection_unblock_handler(fn () => $events->append('unblocked'));
    $channel = $connection->channel();
    $queue = own_queue($channel);
    control('block');
    try {
        $channel->basic_publish(new AMQPMessage('held'), '', $queue);
        wait_until($connection, fn () => count($events) === 1, 'connection.blocked');
        equal($connection->isBlocked(), true);
        $publish = fn () => $channel->basic_publish(new AMQPMessage('refused'), '', $queue);
        raises(AMQPConnectionBlockedException::class, $publish);

        // those who do not publish go on
        $consumer = connect();
        equal($consumer->channel()->queue_declare('', exclusive: true)[1], 0);
        $consumer->close();
    } finally {
        control('unblock');
    }
    wait_until($connection, fn () => count($events) === 2, 'connection.unblocked');
    equal($events->getArrayCopy(), ['blocked: low on memory', 'unblocked']);
    $channel->basic_publish(new AMQPMessage('let in'), '', $queue);
    equal(bodies(receive($channel, $queue, 2)), ['held', 'let in']);
    $connection->close();
}

play(main(...));
