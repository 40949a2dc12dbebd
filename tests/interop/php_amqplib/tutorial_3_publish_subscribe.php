<?php

/** Publish/subscribe: a fanout exchange gives each subscriber's temporary queue every message. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPProtocolChannelException;
use PhpAmqpLib\Exchange\AMQPExchangeType;
use PhpAmqpLib\Message\AMQPMessage;

function main(): void
{
    $exchange = unique('logs');
    [$publisher, $one, $other] = [connect(), connect(), connect()];
    $logs = $publisher->channel();
    $logs->exchange_declare($exchange, AMQPExchangeType::FANOUT, false, false, false);
    $logs->basic_publish(new AMQPMessage('nobody listens yet'), $exchange);
    // an answer to this means that the message has been dropped
    $logs->exchange_declare($exchange, '', true);
    [$first, $first_queue] = subscribe($one, $exchange);
    [$second, $second_queue] = subscribe($other, $exchange);
    true($first_queue !== $second_queue, 'that names differ');
    foreach (['one', 'two', 'three'] as $line) {
        $logs->basic_publish(new AMQPMessage($line), $exchange, 'ignored');
    }
    $messages = receive($first, $first_queue, 3, no_ack: true);
    equal(bodies($messages), ['one', 'two', 'three']);
    equal([$messages[0]->getExchange(), $messages[0]->getRoutingKey()], [$exchange, 'ignored']);
    equal(bodies(receive($second, $second_queue, 3, no_ack: true)), ['one', 'two', 'three']);
    $logs->exchange_delete($exchange);
    $one->close();
    $ask = fn () => $publisher->channel()->queue_declare($first_queue, true);
    equal(raises(AMQPProtocolChannelException::class, $ask)->getCode(), 404);
    $publisher->close();
    $other->close();
}

function subscribe(AMQPStreamConnection $connection, string $exchange): array
{
    $channel = $connection->channel();
    $channel->exchange_declare($exchange, AMQPExchangeType::FANOUT, false, false, false);
    [$queue, ,] = $channel->queue_declare('', false, false, true, false);
    equal(preg_match('/^amq\.gen-[A-Za-z0-9_-]{22}$/', $queue), 1, "$queue is a generated name");
    $channel->queue_bind($queue, $exchange);
    return [$channel, $queue];
}

play(main(...));
