<?php

/** Transactions: publishes and acks count together, or not at all. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Message\AMQPMessage;

function main(): void
{
    $connection = connect();
    $channel = $connection->channel();
    $observer = $connection->channel();
    $queue = own_queue($channel);
    $channel->tx_select();

    $channel->basic_publish(new AMQPMessage('one'), '', $queue);
    $channel->basic_publish(new AMQPMessage('two'), '', $queue);
    equal(waiting($observer, $queue), 0);
    $channel->tx_commit();
    equal(waiting($observer, $queue), 2);

    $channel->basic_publish(new AMQPMessage('never'), '', $queue);
    $channel->tx_rollback();
    $channel->tx_commit();
    equal(waiting($observer, $queue), 2);

    // an ack that was taken back, and one that counts
    [$one, $two] = [$channel->basic_get($queue), $channel->basic_get($queue)];
    equal([$one->getBody(), $two->getBody()], ['one', 'two']);
    $channel->basic_ack($one->getDeliveryTag());
    $channel->tx_rollback();
    $channel->basic_ack($one->getDeliveryTag());
    $channel->basic_publish(new AMQPMessage('three'), '', $queue);
    $channel->tx_commit();
    $channel->close();
    equal(bodies(drain($observer, $queue)), ['two', 'three']);
    $connection->close();
}

play(main(...));
