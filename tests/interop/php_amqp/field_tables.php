<?php

/** Every type that the extension can put into a table, and every property, come back as they went. */

declare(strict_types=1);

require_once 'support.php';

function main(): void
{
    $connection = connect();
    $channel = new AMQPChannel($connection);
    $queue = own_queue($channel, ['x-mine' => headers()]);
    $queue->declareQueue();
    $attributes = [
        'content_type' => 'application/json',
        'content_encoding' => 'gzip',
        'message_id' => 'grüße',
        'user_id' => 'guest',
        'app_id' => 'interop',
        'delivery_mode' => 2,
        'priority' => 9,
        'timestamp' => 1_700_000_000,
        'expiration' => '60000',
        'type' => 'a type',
        'reply_to' => 'somewhere',
        'correlation_id' => str_repeat('c', 255),
        'headers' => headers(),
    ];
    default_exchange($channel)->publish('all', $queue->getName(), AMQP_NOPARAM, $attributes);
    [$message] = receive($queue, 1, AMQP_AUTOACK);
    $back = [
        'content_type' => $message->getContentType(),
        'content_encoding' => $message->getContentEncoding(),
        'message_id' => $message->getMessageId(),
        'user_id' => $message->getUserId(),
        'app_id' => $message->getAppId(),
        'delivery_mode' => $message->getDeliveryMode(),
        'priority' => $message->getPriority(),
        'timestamp' => $message->getTimestamp(),
        'expiration' => $message->getExpiration(),
        'type' => $message->getType(),
        'reply_to' => $message->getReplyTo(),
        'correlation_id' => $message->getCorrelationId(),
        'headers' => $message->getHeaders(),
    ];
    equal(plain($back), plain($attributes));
    $connection->disconnect();
}

function headers(): array
{
    return [
        'text' => 'hello',
        'unicode' => "grüße, 世界 \u{1f407}",
        'octets' => "\x00\xff\xfe",
        'empty text' => '',
        'long text' => str_repeat('x', 10_000),
        'true' => true,
        'false' => false,
        'zero' => 0,
        'negative' => -1,
        'int64 max' => PHP_INT_MAX,
        'int64 min' => PHP_INT_MIN,
        'pi' => 3.141592653589793,
        'whole double' => 3.0,
        'least double' => 5e-324,
        'time' => new AMQPTimestamp(1_709_209_815),
        'epoch' => new AMQPTimestamp(0),
        'decimal' => new AMQPDecimal(2, 314),
        'whole decimal' => new AMQPDecimal(0, 7),
        'nothing' => null,
        'list' => ['a', 'b'], // of texts: the extension leaves others out
        'table' => ['a' => ['b' => ['c' => 'd']]],
    ];
}

/** What can be compared by value. */
function plain(mixed $value): mixed
{
    return match (true) {
        is_array($value) => array_map(plain(...), $value),
        $value instanceof AMQPDecimal => "{$value->getSignificand()} / 10^{$value->getExponent()}",
        $value instanceof AMQPTimestamp => "at {$value->getTimestamp()}",
        default => $value,
    };
}

play(main(...));
