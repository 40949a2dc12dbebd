<?php

/** Publisher confirms, those of a full queue among them, and returns of what no queue takes. */

declare(strict_types=1);

require_once 'support.php';

function main(): void
{
    foreach (['classic', 'quorum'] as $type) {
        confirm($type);
    }
    refuse_when_full();
    return_mandatory();
}

function confirm(string $type): void
{
    $connection = connect();
    $channel = new AMQPChannel($connection);
    $queue = lasting_queue($channel, $type);
    $channel->confirmSelect();
    $count = 200;
    foreach (range(1, $count) as $number) {
        $persistent = ['delivery_mode' => 2];
        default_exchange($channel)->publish("$number", $queue->getName(), AMQP_NOPARAM, $persistent);
    }
    equal(outcomes($channel, $count), array_fill(1, $count, 'ack'));
    equal(waiting($channel, $queue), $count);
    $queue->delete();
    $connection->disconnect();
}

function refuse_when_full(): void
{
    $connection = connect();
    $channel = new AMQPChannel($connection);
    $queue = own_queue($channel, ['x-max-length' => 2, 'x-overflow' => 'reject-publish']);
    $channel->confirmSelect();
    foreach (['one', 'two', 'three'] as $body) {
        default_exchange($channel)->publish($body, $queue->getName());
    }
    equal(outcomes($channel, 3), [1 => 'ack', 2 => 'ack', 3 => 'nack']);
    equal(bodies(drain($queue)), ['one', 'two']);
    $connection->disconnect();
}

/** Waits for the confirms of so many messages; gives each by its number. */
function outcomes(AMQPChannel $channel, int $count): array
{
    $outcomes = [];
    $take = function (string $outcome) use (&$outcomes, $count): callable {
        return function (int $tag, bool $multiple) use ($outcome, &$outcomes, $count): bool {
            foreach ($multiple ? range(1, $tag) : [$tag] as $number) {
                $outcomes[$number] ??= $outcome;
            }
            return count($outcomes) < $count;
        };
    };
    $channel->setConfirmCallback($take('ack'), $take('nack'));
    $channel->waitForConfirm(PATIENCE);
    ksort($outcomes);
    return $outcomes;
}

function return_mandatory(): void
{
    $connection = connect();
    $channel = new AMQPChannel($connection);
    $missing = unique('nobody');
    $returned = [];
    $channel->setReturnCallback(function (...$arguments) use (&$returned): bool {
        $returned = $arguments;
        return false;
    });
    $attributes = ['message_id' => '42', 'headers' => ['a' => 1]];
    default_exchange($channel)->publish('come back', $missing, AMQP_MANDATORY, $attributes);
    $channel->waitForBasicReturn(PATIENCE);
    [$code, $text, $exchange, $key, $properties, $body] = $returned;
    equal([$code, $text, $exchange, $key, $body], [312, 'NO_ROUTE', '', $missing, 'come back']);
    equal([$properties->getMessageId(), $properties->getHeaders()], ['42', ['a' => 1]]);
    $connection->disconnect();
}

play(main(...));
