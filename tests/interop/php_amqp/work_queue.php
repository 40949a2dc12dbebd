<?php

/** A work queue: workers ack what they have done, one is killed, and what is refused comes back or not. */

declare(strict_types=1);

require_once 'support.php';

const TASKS = ['task 0', 'task 1', 'task 2', 'task 3', 'task 4'];

function main(): void
{
    foreach (['classic', 'quorum'] as $type) {
        survive_killed_worker($type);
    }
    refuse();
    commit_and_roll_back();
}

function survive_killed_worker(string $type): void
{
    $connection = connect();
    $channel = new AMQPChannel($connection);
    $queue = lasting_queue($channel, $type);
    foreach (TASKS as $task) {
        $headers = ['delivery_mode' => 2];
        default_exchange($channel)->publish($task, $queue->getName(), AMQP_NOPARAM, $headers);
    }
    $worker = new Worker('worker', $queue->getName());
    equal($worker->lines(3), ['task 0', 'task 1', 'the others are not done']);
    $worker->kill();
    $channel->qos(0, 10);
    $messages = receive($queue, 3);
    equal(bodies($messages), array_slice(TASKS, 2));
    equal($messages[0]->isRedelivery(), true);
    equal($messages[0]->getDeliveryMode(), 2);
    $queue->ack($messages[2]->getDeliveryTag(), AMQP_MULTIPLE);
    equal(waiting($channel, $queue), 0);
    $queue->delete();
    $connection->disconnect();
}

function work(string $name): void
{
    $channel = new AMQPChannel(connect());
    $channel->qos(0, 10);
    $queue = queue($channel, $name);
    $count = 0;
    $queue->consume(function (AMQPEnvelope $message) use ($queue, $channel, $name, &$count): bool {
        $count += 1;
        if ($count <= 2) {
            $queue->ack($message->getDeliveryTag());
            say($message->getBody());
        }
        if ($count === count(TASKS)) {
            // an answer to this means that the acks have arrived
            queue($channel, $name, AMQP_PASSIVE)->declareQueue();
            say('the others are not done');
        }
        return true;
    });
}

function refuse(): void
{
    $connection = connect();
    $channel = new AMQPChannel($connection);
    $dead = own_queue($channel);
    $queue = own_queue($channel, [
        'x-dead-letter-exchange' => '',
        'x-dead-letter-routing-key' => $dead->getName(),
    ]);
    foreach (['a', 'b', 'c'] as $body) {
        default_exchange($channel)->publish($body, $queue->getName());
    }
    [$a, $b, $c] = [$queue->get(), $queue->get(), $queue->get()];
    $queue->reject($a->getDeliveryTag());
    $queue->nack($b->getDeliveryTag());
    $queue->nack($c->getDeliveryTag(), AMQP_REQUEUE);
    $c = $queue->get(AMQP_AUTOACK);
    equal([$c->getBody(), $c->isRedelivery()], ['c', true]);
    $messages = receive($dead, 2);
    equal(bodies($messages), ['a', 'b']);
    $death = $messages[0]->getHeader('x-death')[0];
    equal([$death['queue'], $death['reason'], $death['count']], [$queue->getName(), 'rejected', 1]);
    true($death['time'] instanceof AMQPTimestamp, 'a time of death');

    $queue = own_queue($channel);
    default_exchange($channel)->publish('recovered', $queue->getName());
    equal($queue->get()->isRedelivery(), false);
    $channel->basicRecover();
    equal($queue->get(AMQP_AUTOACK)->isRedelivery(), true);
    $connection->disconnect();
}

function commit_and_roll_back(): void
{
    $connection = connect();
    [$channel, $observer] = [new AMQPChannel($connection), new AMQPChannel($connection)];
    $queue = own_queue($channel);
    $channel->startTransaction();
    default_exchange($channel)->publish('never', $queue->getName());
    $channel->rollbackTransaction();
    default_exchange($channel)->publish('in the end', $queue->getName());
    equal(waiting($observer, $queue), 0);
    $channel->commitTransaction();
    equal(bodies(drain($queue)), ['in the end']);
    $connection->disconnect();
}

play(main(...), worker: work(...));
