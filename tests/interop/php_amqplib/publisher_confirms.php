<?php

/** Publisher confirms: one by one, in batches, by handlers, and those that a full queue refuses. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Message\AMQPMessage;

function main(): void
{
    $connection = connect();
    foreach (['classic', 'quorum'] as $type) {
        $channel = $connection->channel();
        $channel->confirm_select();
        $queue = lasting_queue($channel, $type);
        publish_individually($channel, $queue);
        publish_in_batches($channel, $queue);
        publish_with_handlers($channel, $queue);
        $channel->queue_delete($queue);
    }
    refuse_when_full($connection->channel());
    $connection->close();
}

function publish_individually(AMQPChannel $channel, string $queue): void
{
    foreach (range(1, 10) as $number) {
        $channel->basic_publish(message("$number"), '', $queue);
        $channel->wait_for_pending_acks(PATIENCE);
        equal(waiting($channel, $queue), $number);
    }
    equal($channel->queue_purge($queue), 10);
}

function publish_in_batches(AMQPChannel $channel, string $queue): void
{
    foreach (range(1, 150) as $number) {
        $channel->basic_publish(message("$number"), '', $queue);
        if ($number % 50 === 0) {
            $channel->wait_for_pending_acks(PATIENCE);
            equal(waiting($channel, $queue), $number);
        }
    }
    equal($channel->queue_purge($queue), 150);
}

function publish_with_handlers(AMQPChannel $channel, string $queue): void
{
    $numbers = array_map(fn (int $number) => "$number", range(1, 1000));
    $acked = new Inbox();
    $channel->set_ack_handler($acked);
    $channel->set_nack_handler(fn (AMQPMessage $message) => true(false, "nack of {$message->getBody()}"));
    foreach ($numbers as $number) {
        $channel->basic_publish(message($number), '', $queue);
    }
    $channel->wait_for_pending_acks_returns(PATIENCE);
    // a quorum queue may confirm out of order
    $bodies = bodies($acked->messages);
    sort($bodies, SORT_NUMERIC);
    equal($bodies, $numbers);
    equal(bodies(receive($channel, $queue, count($numbers), no_ack: true)), $numbers);
}

function refuse_when_full(AMQPChannel $channel): void
{
    $queue = own_queue($channel, ['x-max-length' => 2, 'x-overflow' => 'reject-publish']);
    $channel->confirm_select();
    [$acked, $nacked] = [new Inbox(), new Inbox()];
    $channel->set_ack_handler($acked);
    $channel->set_nack_handler($nacked);
    foreach (['one', 'two', 'three', 'four'] as $body) {
        $channel->basic_publish(message($body), '', $queue);
        $channel->wait_for_pending_acks_returns(PATIENCE);
    }
    equal([bodies($acked->messages), bodies($nacked->messages)], [['one', 'two'], ['three', 'four']]);
    equal($nacked->messages[0]->getDeliveryTag(), 3);
    equal(bodies(drain($channel, $queue)), ['one', 'two']);
}

function message(string $body): AMQPMessage
{
    return new AMQPMessage($body, ['delivery_mode' => AMQPMessage::DELIVERY_MODE_PERSISTENT]);
}

play(main(...));
