<?php

/** What the broker refuses reaches the program as an exception with its code and reason. */

declare(strict_types=1);

require_once 'support.php';

function main(): void
{
    $nowhere = unique('nowhere');
    refused(
        AMQPConnectionException::class,
        fn () => connect(['password' => 'wrong']),
        403,
        'ACCESS_REFUSED - Login was refused'
    );
    refused(
        AMQPConnectionException::class,
        fn () => connect(['vhost' => $nowhere]),
        530,
        "NOT_ALLOWED - vhost $nowhere not found"
    );
    close_channels(connect(), $nowhere);
    close_connection(connect());
}

function close_channels(AMQPConnection $connection, string $nowhere): void
{
    $no_queue = "NOT_FOUND - no queue '$nowhere' in vhost '/'";
    $no_exchange = "NOT_FOUND - no exchange '$nowhere' in vhost '/'";
    $owner = connect();
    $locked = own_queue(new AMQPChannel($owner))->getName();
    $cases = [
        [fn ($queue) => $queue->declareQueue(), AMQP_PASSIVE, $nowhere, 404, $no_queue],
        [fn ($queue) => $queue->get(), AMQP_NOPARAM, $nowhere, 404, $no_queue],
        [fn ($queue) => $queue->consume(fn () => false), AMQP_NOPARAM, $nowhere, 404, $no_queue],
        [fn ($queue) => $queue->bind($nowhere), AMQP_EXCLUSIVE, 'declared', 404, $no_exchange],
        [fn ($queue) => $queue->declareQueue(), AMQP_NOPARAM, 'amq.mine', 403, 'ACCESS_REFUSED'],
        [fn ($queue) => $queue->declareQueue(), AMQP_NOPARAM, $locked, 405, 'RESOURCE_LOCKED'],
        [fn ($queue) => $queue->purge(), AMQP_NOPARAM, $locked, 405, 'RESOURCE_LOCKED'],
    ];
    foreach ($cases as [$action, $flags, $name, $code, $reason]) {
        $channel = new AMQPChannel($connection);
        $queue = $name === 'declared' ? own_queue($channel) : queue($channel, $name, $flags);
        refused(AMQPQueueException::class, fn () => $action($queue), $code, $reason);
        equal([$channel->isConnected(), $connection->isConnected()], [false, true]);
    }
    $exchange = new AMQPExchange(new AMQPChannel($connection));
    $exchange->setName('amq.topic');
    $exchange->setType(AMQP_EX_TYPE_FANOUT);
    $exchange->setFlags(AMQP_DURABLE);
    $reason = "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'amq.topic' in vhost '/':"
        . " received 'fanout' but current is 'topic'";
    refused(AMQPExchangeException::class, fn () => $exchange->declareExchange(), 406, $reason);
    $connection->disconnect();
    $owner->disconnect();
}

function close_connection(AMQPConnection $connection): void
{
    $channel = new AMQPChannel($connection);
    $reason = 'NOT_IMPLEMENTED - prefetch_size!=0 (10)';
    refused(AMQPConnectionException::class, fn () => $channel->qos(10, 0), 540, $reason);
    equal($connection->isConnected(), false);
}

function refused(string $kind, callable $action, int $code, string $reason): void
{
    $error = raises($kind, $action);
    equal($error->getCode(), $code, $error->getMessage());
    true(str_contains($error->getMessage(), $reason), $error->getMessage());
}

play(main(...));
