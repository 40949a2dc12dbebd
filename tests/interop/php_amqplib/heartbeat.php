<?php

/** Heartbeats: a program that is busy elsewhere stays connected by signals; one that is silent is dropped. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Connection\Heartbeat\PCNTLHeartbeatSender;
use PhpAmqpLib\Message\AMQPMessage;

function main(): void
{
    $observer = connect();
    $channel = $observer->channel();
    $queue = lasting_queue($channel, 'classic');
    $workers = [];
    foreach (['beating', 'silent'] as $how) {
        $channel->basic_publish(new AMQPMessage("task of the $how one"), '', $queue);
        $workers[$how] = new Worker('worker', $queue, $how);
        equal($workers[$how]->line(), "task of the $how one");
    }

    // the silent one is given up, by when the other one would have been, too
    [$message] = receive($channel, $queue, 1);
    equal([$message->getBody(), $message->isRedelivered()], ['task of the silent one', true]);
    $message->ack();

    $workers['beating']->signal(SIGUSR1);
    equal($workers['beating']->line(), 'done');
    equal(waiting($channel, $queue), 0);
    $channel->queue_delete($queue);
    $observer->close();
}

function work(string $queue, string $how): void
{
    $connection = connect(heartbeat: 4);
    $sender = new PCNTLHeartbeatSender($connection);
    if ($how === 'beating') {
        $sender->register();
    }
    $channel = $connection->channel();
    $message = $channel->basic_get($queue);
    $busy = true;
    pcntl_async_signals(true);
    pcntl_signal(SIGUSR1, function () use (&$busy): void {
        $busy = false;
    });
    say($message->getBody());
    while ($busy) {
        sleep(1); // each signal ends it
    }
    $message->ack();
    // an answer to this means that the ack has arrived
    $channel->queue_declare($queue, true);
    $sender->unregister();
    $connection->close();
    say('done');
}

play(main(...), worker: work(...));
