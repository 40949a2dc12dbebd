<?php

/** A broker that is killed and comes back: programs connect again by hand, and what was confirmed is there. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPExceptionInterface;
use PhpAmqpLib\Message\AMQPMessage;

function main(): void
{
    $connection = connect();
    $channel = $connection->channel();
    $workers = [];
    foreach (['classic', 'quorum'] as $type) {
        $consumed[$type] = lasting_queue($channel, $type);
        $unread[$type] = lasting_queue($channel, $type);
        $worker = $workers[$type] = new Worker('worker', $consumed[$type]);
        equal($worker->line(), 'ready');
        publish($connection, $unread[$type], ['one', 'two']);
        publish($connection, $consumed[$type], ['before']);
        equal($worker->line(), 'before');
    }

    $finish = begin_control('kill');
    // by connection.close or without, as brokers end
    raises(AMQPExceptionInterface::class, fn () => $channel->wait(null, false, PATIENCE));
    $finish();
    $connection->reconnect();
    $channel = $connection->channel();
    foreach ($workers as $type => $worker) {
        equal($worker->lines(2), ['lost', 'ready']);
        publish($connection, $consumed[$type], ['after']);
        equal($worker->line(), 'after');
        equal(bodies(receive($channel, $unread[$type], 2, no_ack: true)), ['one', 'two']);
        $worker->kill();
        $channel->queue_delete($unread[$type]);
        $channel->queue_delete($consumed[$type]);
    }
    $connection->close();
}

function publish(AMQPStreamConnection $connection, string $queue, array $bodies): void
{
    $channel = $connection->channel();
    $channel->confirm_select();
    foreach ($bodies as $body) {
        $channel->basic_publish(new AMQPMessage($body, ['delivery_mode' => 2]), '', $queue);
    }
    $channel->wait_for_pending_acks(PATIENCE);
    $channel->close();
}

/** Consumes for good, with a new connection whenever the last one was lost. */
function work(string $queue): void
{
    $done = [];
    while (true) {
        try {
            $channel = connect()->channel();
            $on_message = function (AMQPMessage $message) use (&$done): void {
                // what came again since its ack was lost counts once
                if (!in_array($message->getBody(), $done, true)) {
                    say($message->getBody());
                    $done[] = $message->getBody();
                }
                $message->ack();
            };
            $channel->basic_consume($queue, callback: $on_message);
            say('ready');
            $channel->consume();
        } catch (AMQPExceptionInterface) {
            if (isset($channel)) {
                say('lost');
                unset($channel);
            }
            // to try again at once would take all the time there is
            usleep(50_000);
        }
    }
}

play(main(...), worker: work(...));
