<?php

/** Bodies around the size of a frame, and one of many frames. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Message\AMQPMessage;

/** What fits into a frame with what both ends agree on. */
const FRAME = 131_072 - 8;

function main(): void
{
    $connection = connect();
    $channel = $connection->channel();
    $channel->confirm_select();
    $queue = own_queue($channel);
    $sizes = [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 2 * FRAME + 1, 16 * 1024 * 1024];
    $bodies = array_map(fn (int $size) => $size === 0 ? '' : random_bytes($size), $sizes);
    foreach ($bodies as $body) {
        $channel->basic_publish(new AMQPMessage($body), '', $queue);
    }
    $channel->wait_for_pending_acks(PATIENCE);
    $messages = receive($channel, $queue, count($bodies));
    equal(array_map(fn (AMQPMessage $message) => $message->getBodySize(), $messages), $sizes);
    true(bodies($messages) === $bodies, 'that bodies are equal');
    end($messages)->nack(true, true);

    // once more, with most of each left out
    $channel->setBodySizeLimit(FRAME);
    $messages = receive($channel, $queue, count($bodies), no_ack: true);
    true($messages[6]->getBody() === substr($bodies[6], 0, FRAME), 'the start of a body');
    equal([$messages[3]->isTruncated(), $messages[4]->isTruncated()], [false, true]);
    $connection->close();
}

play(main(...));
