<?php

/** Work queues: tasks that survive the broker are shared among workers that ack each one. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Exception\AMQPProtocolChannelException;
use PhpAmqpLib\Message\AMQPMessage;

function main(): void
{
    foreach (['classic', 'quorum'] as $type) {
        share_tasks($type);
    }
    refuse_other_properties();
}

function share_tasks(string $type): void
{
    $tasks = array_map(fn (int $number) => "task $number" . str_repeat('.', $number % 3), range(0, 11));
    $connection = connect();
    $channel = $connection->channel();
    $queue = lasting_queue($channel, $type);
    $workers = [new Worker('worker', $queue), new Worker('worker', $queue)];
    equal([$workers[0]->line(), $workers[1]->line()], ['ready', 'ready']);
    foreach ($tasks as $task) {
        $properties = ['delivery_mode' => AMQPMessage::DELIVERY_MODE_PERSISTENT];
        $channel->basic_publish(new AMQPMessage($task, $properties), '', $queue);
    }
    // Both are idle when the first two tasks come, so each gets one of them.
    $done = [$workers[0]->line(), $workers[1]->line()];
    equal(sorted($done), array_slice($tasks, 0, 2));
    foreach ($workers as $_) {
        $channel->basic_publish(new AMQPMessage('quit'), '', $queue);
    }
    foreach ($workers as $worker) {
        while (($line = $worker->line()) !== 'quit') {
            $done[] = $line;
        }
    }
    equal(sorted($done), sorted($tasks));
    equal(waiting($channel, $queue), 0);
    $channel->queue_delete($queue);
    $connection->close();
}

function sorted(array $values): array
{
    sort($values);
    return $values;
}

function work(string $queue): void
{
    $connection = connect();
    $channel = $connection->channel();
    $on_message = function (AMQPMessage $message): void {
        $message->ack();
        if ($message->getBody() === 'quit') {
            $message->getChannel()->basic_cancel($message->getConsumerTag());
            return;
        }
        equal($message->get('delivery_mode'), 2);
        say($message->getBody());
    };
    $channel->basic_qos(0, 1, false);
    $channel->basic_consume($queue, '', false, false, false, false, $on_message);
    say('ready');
    while ($channel->is_consuming()) {
        $channel->wait();
    }
    $connection->close();
    say('quit');
}

function refuse_other_properties(): void
{
    $queue = unique('hello');
    $connection = connect();
    $connection->channel()->queue_declare($queue, false, false, false, false);
    $error = raises(
        AMQPProtocolChannelException::class,
        fn () => $connection->channel()->queue_declare($queue, false, true, false, false)
    );
    equal($error->amqp_reply_code, 406);
    equal(
        $error->amqp_reply_text,
        "PRECONDITION_FAILED - inequivalent arg 'durable' for queue '$queue' in vhost '/':"
            . " received 'true' but current is 'false'"
    );
    equal($error->amqp_method_sig, [50, 10]);
    $connection->channel()->queue_delete($queue);
    $connection->close();
}

play(main(...), worker: work(...));
