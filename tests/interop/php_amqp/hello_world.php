<?php

/** Hello World: one program publishes to a queue, another one consumes it; get, purge and delete. */

declare(strict_types=1);

require_once 'support.php';

function main(): void
{
    $connection = connect();
    $channel = new AMQPChannel($connection);
    $queue = queue($channel, unique('hello'));
    equal($queue->declareQueue(), 0);
    $receiver = new Worker('receiver', $queue->getName());
    equal($receiver->line(), 'ready');
    $exchange = default_exchange($channel);
    equal($exchange->publish('Hello World!', $queue->getName()), true);
    equal($receiver->lines(2), ['Hello World!', 'closed']);

    equal($queue->get(), false);
    $body = random_bytes(1_000_000);
    foreach (['one', $body, 'three', 'four'] as $each) {
        $exchange->publish($each, $queue->getName());
    }
    $one = $queue->get();
    equal([$one->getBody(), $one->getDeliveryTag(), $one->isRedelivery()], ['one', 1, false]);
    equal([$one->getExchangeName(), $one->getRoutingKey()], ['', $queue->getName()]);
    $queue->ack($one->getDeliveryTag());
    true($queue->get(AMQP_AUTOACK)->getBody() === $body, 'that bodies are equal');
    // the extension does not tell how many there were
    $queue->purge();
    equal(waiting($channel, $queue), 0);
    $exchange->publish('left', $queue->getName());
    equal($queue->delete(), 1);
    $connection->disconnect();
    equal($connection->isConnected(), false);
}

function receive_hello(string $name): void
{
    $connection = connect();
    $queue = queue(new AMQPChannel($connection), $name);
    $queue->declareQueue();
    say('ready');
    $queue->consume(function (AMQPEnvelope $message): bool {
        say($message->getBody());
        return false;
    }, AMQP_AUTOACK);
    $queue->cancel();
    $connection->disconnect();
    say('closed');
}

play(main(...), receiver: receive_hello(...));
