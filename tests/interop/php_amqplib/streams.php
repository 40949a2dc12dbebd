<?php

/** A stream: read from its first message, its last chunk, an offset, a time, and by two at once. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

function main(): void
{
    $connection = connect();
    $publisher = $connection->channel();
    $publisher->confirm_select();
    $stream = lasting_queue($publisher, 'stream', ['x-max-age' => '1D']);
    publish($publisher, $stream, 0, 200);

    foreach (['first', 0, '1h', new DateTimeImmutable('-1 hour')] as $offset) {
        equal(read($connection, $stream, $offset, 200), numbered(0, 200), 'from ' . json_encode($offset));
    }
    equal(read($connection, $stream, 150, 50), numbered(150, 200));
    $last = read($connection, $stream, 'last', 1)[0];
    true(in_array($last, numbered(0, 200), true), 'a message of the last chunk');
    read_on($connection, $publisher, $stream);
    $publisher->queue_delete($stream);
    $connection->close();
}

function publish(AMQPChannel $channel, string $stream, int $start, int $end): void
{
    foreach (range($start, $end - 1) as $number) {
        $channel->basic_publish(new AMQPMessage("$number"), '', $stream);
    }
    $channel->wait_for_pending_acks(PATIENCE);
}

/** Offsets and bodies. */
function numbered(int $start, int $end): array
{
    return array_map(fn (int $number) => [$number, "$number"], range($start, $end - 1));
}

/** Reads so many messages with little room at a time. */
function read(AMQPStreamConnection $connection, string $stream, mixed $offset, int $count): array
{
    $channel = $connection->channel();
    $got = subscribe($channel, $stream, $offset);
    wait_until($channel, fn () => count($got) >= $count, "$count messages");
    $channel->close();
    return array_slice($got->getArrayCopy(), 0, $count);
}

function subscribe(AMQPChannel $channel, string $stream, mixed $offset): ArrayObject
{
    $got = new ArrayObject();
    $take = function (AMQPMessage $message) use ($got): void {
        $headers = $message->get('application_headers')->getNativeData();
        $got->append([$headers['x-stream-offset'], $message->getBody()]);
        $message->ack();
    };
    $channel->basic_qos(0, 20, false);
    $arguments = new AMQPTable(['x-stream-offset' => $offset]);
    $channel->basic_consume($stream, callback: $take, arguments: $arguments);
    return $got;
}

/** Two consumers that wait at the end both get what is published next. */
function read_on(AMQPStreamConnection $connection, AMQPChannel $publisher, string $stream): void
{
    $channels = [$connection->channel(), $connection->channel()];
    $got = array_map(fn (AMQPChannel $channel) => subscribe($channel, $stream, 'next'), $channels);
    publish($publisher, $stream, 200, 230);
    foreach ($channels as $index => $channel) {
        wait_until($channel, fn () => count($got[$index]) >= 30, 'what was published');
        equal($got[$index]->getArrayCopy(), numbered(200, 230));
    }
}

play(main(...));
