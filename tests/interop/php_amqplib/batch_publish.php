<?php

/** Batches: what publish_batch() writes at once arrives in order, each where it was to go. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Message\AMQPMessage;

function main(): void
{
    $connection = connect();
    $channel = $connection->channel();
    $queues = [own_queue($channel), own_queue($channel), own_queue($channel)];
    $channel->confirm_select();
    $returned = new ArrayObject();
    $channel->set_return_listener(fn ($code, $text, $exchange, $key, $message) =>
        $returned->append($message->getBody()));
    foreach (range(0, 2999) as $number) {
        $body = $number . str_repeat('.', $number % 100);
        $channel->batch_basic_publish(new AMQPMessage($body), '', $queues[$number % 3]);
    }
    $channel->batch_basic_publish(new AMQPMessage('for nobody'), '', unique('nobody'), true);
    $channel->batch_basic_publish(new AMQPMessage(str_repeat('long', 100_000)), '', $queues[0]);
    $channel->publish_batch();
    $channel->wait_for_pending_acks_returns(PATIENCE);
    equal($returned->getArrayCopy(), ['for nobody']);
    foreach ($queues as $index => $queue) {
        $expected = array_map(
            fn (int $number) => $number . str_repeat('.', $number % 100),
            range($index, 2999, 3)
        );
        if ($index === 0) {
            $expected[] = str_repeat('long', 100_000);
        }
        $bodies = bodies(receive($channel, $queue, count($expected), no_ack: true));
        true($bodies === $expected, 'that bodies are equal');
        equal(waiting($channel, $queue), 0);
    }
    $connection->close();
}

play(main(...));
