<?php

/** Every type that php-amqplib can put into a table, and every property, come back as they went. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPAbstractCollection as Type;
use PhpAmqpLib\Wire\AMQPArray;
use PhpAmqpLib\Wire\AMQPDecimal;
use PhpAmqpLib\Wire\AMQPTable;

const PROPERTIES = [
    'content_type' => 'application/json',
    'content_encoding' => 'gzip',
    'delivery_mode' => 2,
    'priority' => 9,
    'correlation_id' => 'grüße',
    'reply_to' => 'somewhere',
    'expiration' => '60000',
    'message_id' => '',
    'timestamp' => 1_700_000_000,
    'type' => 'a type',
    'user_id' => 'guest',
    'app_id' => 'interop',
    'cluster_id' => 'a cluster',
];

function main(): void
{
    $connection = connect();
    $channel = $connection->channel();
    $queue = own_queue($channel);
    carry_properties($channel, $queue);
    carry_headers($channel, $queue);
    read_floats($channel, $queue);
    take_any_argument($channel);
    $connection->close();
}

function carry_properties(AMQPChannel $channel, string $queue): void
{
    foreach (PROPERTIES as $name => $value) {
        equal(carried($channel, $queue, [$name => $value]), [$name => $value]);
    }
    equal(carried($channel, $queue, PROPERTIES), PROPERTIES);
    equal(carried($channel, $queue, []), []);
}

function carried(AMQPChannel $channel, string $queue, array $properties): array
{
    $channel->basic_publish(new AMQPMessage('', $properties), '', $queue);
    [$message] = receive($channel, $queue, 1, no_ack: true);
    return $message->get_properties();
}

function carry_headers(AMQPChannel $channel, string $queue): void
{
    $table = headers();
    $message = new AMQPMessage('', ['application_headers' => $table]);
    $channel->basic_publish($message, '', $queue);
    [$message] = receive($channel, $queue, 1, no_ack: true);
    $back = $message->get('application_headers');
    equal(plain($back->getNativeData()), plain($table->getNativeData()));
    foreach ($table as $name => [$type]) {
        $types["$name"] = $type;
    }
    foreach ($back as $name => [$type]) {
        equal($type, $types["$name"], "type of $name");
    }
}

/** A table with each type there is. */
function headers(): AMQPTable
{
    $table = new AMQPTable([
        'text' => 'hello',
        'unicode' => "grüße, 世界 \u{1f407}",
        'octets' => "\x00\xff\xfe",
        'empty text' => '',
        'long text' => str_repeat('x', 10_000),
        'true' => true,
        'false' => false,
        'zero' => 0,
        'int32 min' => -2 ** 31,
        'above int32' => 2 ** 31,
        'int64 max' => PHP_INT_MAX,
        'int64 min' => PHP_INT_MIN,
        'a float, which is sent as a text' => 3.25,
        'time' => new DateTimeImmutable('2024-02-29T12:30:15Z'),
        'epoch' => new DateTimeImmutable('@0'),
        'decimal' => new AMQPDecimal(314, 2),
        'negative decimal' => new AMQPDecimal(-5, 3),
        'whole decimal' => new AMQPDecimal(7, 0),
        'nothing' => null,
        'list' => ['a', 1, 2 ** 40, true, null, ['nested', []], ['in' => ['a' => 'list']]],
        'empty list' => [],
        'table' => ['a' => ['b' => ['c' => [1, ['d' => null]]]]],
        'empty table' => new AMQPTable(),
        'array' => new AMQPArray([new AMQPDecimal(1, 1), new AMQPTable(['x' => new AMQPArray([1])])]),
        str_repeat('n', 128) => 'a long name',
    ]);
    $table->set('int8', -128, Type::T_INT_SHORTSHORT);
    $table->set('uint8', 255, Type::T_INT_SHORTSHORT_U);
    $table->set('int16', -32_768, Type::T_INT_SHORT);
    $table->set('uint16', 65_535, Type::T_INT_SHORT_U);
    $table->set('uint32', 2 ** 32 - 1, Type::T_INT_LONG_U);
    $table->set('small int64', 1, Type::T_INT_LONGLONG);
    $table->set('bytes', "\x00\xff", Type::T_BYTES);
    return $table;
}

/** What can be compared by value. */
function plain(mixed $value): mixed
{
    return match (true) {
        is_array($value) => array_map(plain(...), $value),
        $value instanceof AMQPDecimal => "{$value->getN()} / 10^{$value->getE()}",
        $value instanceof DateTimeInterface => $value->format(DATE_ATOM),
        default => $value,
    };
}

/** The library reads doubles and does not write them: others do, such as the management API. */
function read_floats(AMQPChannel $channel, string $queue): void
{
    $headers = ['pi' => 3.141592653589793, 'least' => 5e-324, 'list' => [-0.5, 1e300]];
    $properties = ['headers' => $headers, 'delivery_mode' => 1];
    $login = base64_encode('guest:guest');
    $options = [
        'method' => 'POST',
        'header' => ['content-type: application/json', "authorization: Basic $login"],
        'content' => json_encode([
            'routing_key' => $queue,
            'properties' => $properties,
            'payload' => 'floats',
            'payload_encoding' => 'string',
        ]),
        'timeout' => PATIENCE,
    ];
    $port = getenv('MANAGEMENT_PORT');
    $url = "http://127.0.0.1:$port/api/exchanges/%2F/amq.default/publish";
    $answer = file_get_contents($url, false, stream_context_create(['http' => $options]));
    equal(json_decode($answer, true), ['routed' => true]);
    [$message] = receive($channel, $queue, 1, no_ack: true);
    equal($message->getBody(), 'floats');
    $back = $message->get('application_headers')->getNativeData();
    // the order of names is the API's
    ksort($back);
    ksort($headers);
    equal($back, $headers);
}

/** A declaration is compared with the one before, arguments included. */
function take_any_argument(AMQPChannel $channel): void
{
    $queue = unique('arguments');
    foreach ([1, 2] as $_) {
        $channel->queue_declare($queue, exclusive: true, arguments: new AMQPTable(['x-mine' => headers()]));
    }
}

play(main(...));
