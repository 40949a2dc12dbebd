<?php

/** A worker that is killed: what it had not acked goes to the next one, marked as redelivered. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Message\AMQPMessage;

const TASKS = ['task 0', 'task 1', 'task 2', 'task 3', 'task 4'];

function main(): void
{
    foreach (['classic', 'quorum'] as $type) {
        redeliver_unacked($type);
        redeliver_to_waiting_consumer($type);
    }
}

function redeliver_unacked(string $type): void
{
    $connection = connect();
    $channel = $connection->channel();
    $queue = publish_tasks($channel, $type);
    $worker = new Worker('worker', $queue, '2');
    equal($worker->lines(6), [...TASKS, 'acked']);
    $worker->kill();
    $messages = receive($channel, $queue, 3);
    equal(bodies($messages), array_slice(TASKS, 2));
    equal(redelivered($messages), [true, true, true]);
    end($messages)->ack(true);
    equal(waiting($channel, $queue), 0);
    $channel->queue_delete($queue);
    $connection->close();
}

function redeliver_to_waiting_consumer(string $type): void
{
    $connection = connect();
    $channel = $connection->channel();
    $queue = publish_tasks($channel, $type);
    $worker = new Worker('worker', $queue, '0');
    equal($worker->lines(5), TASKS);
    $inbox = new Inbox();
    $channel->basic_consume($queue, callback: $inbox);
    $channel->wait(null, true);
    equal($inbox->messages, []);
    $worker->kill();
    equal(bodies($inbox->wait_for(count(TASKS), $channel)), TASKS);
    equal(redelivered($inbox->messages), array_fill(0, 5, true));
    $channel->queue_delete($queue);
    $connection->close();
}

function publish_tasks(AMQPChannel $channel, string $type): string
{
    $queue = lasting_queue($channel, $type);
    foreach (TASKS as $task) {
        $channel->basic_publish(new AMQPMessage($task, ['delivery_mode' => 2]), '', $queue);
    }
    return $queue;
}

function redelivered(array $messages): array
{
    return array_map(fn (AMQPMessage $message) => $message->isRedelivered(), $messages);
}

function work(string $queue, string $acks): void
{
    $channel = connect()->channel();
    $count = 0;
    $on_message = function (AMQPMessage $message) use ($channel, $queue, $acks, &$count): void {
        equal($message->isRedelivered(), false);
        say($message->getBody());
        $count += 1;
        if ($count <= (int) $acks) {
            $message->ack();
        }
        if ($count === count(TASKS) && $acks !== '0') {
            // an answer to this means that the acks have arrived
            $channel->queue_declare($queue, true);
            say('acked');
        }
    };
    $channel->basic_consume($queue, callback: $on_message);
    $channel->consume();
}

play(main(...), worker: work(...));
