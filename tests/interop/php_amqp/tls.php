<?php

/** TLS by the C library: certificates of both ends, right and wrong, and EXTERNAL. */

declare(strict_types=1);

require_once 'support.php';

function main(): void
{
    exchange_messages(connect_tls());
    exchange_messages(connect_tls(certificate('guest')));
    exchange_messages(connect_tls([...certificate('guest'), 'sasl_method' => AMQP_SASL_METHOD_EXTERNAL]));
    foreach ([
        ['cacert' => CERTIFICATES . 'other-ca.pem'],
        certificate('stranger'),
        certificate('late'),
        [...certificate('ann'), 'sasl_method' => AMQP_SASL_METHOD_EXTERNAL],
    ] as $options) {
        raises(AMQPConnectionException::class, fn () => connect_tls($options));
    }
}

function certificate(string $client): array
{
    return ['cert' => CERTIFICATES . "$client.pem", 'key' => CERTIFICATES . "$client.key"];
}

function connect_tls(array $options = []): AMQPConnection
{
    $broker = ['host' => 'localhost', 'port' => TLS_PORT];
    return connect([...$broker, 'cacert' => CERTIFICATES . 'ca.pem', 'verify' => true, ...$options]);
}

function exchange_messages(AMQPConnection $connection): void
{
    $channel = new AMQPChannel($connection);
    $queue = own_queue($channel);
    $bodies = ['', 'hello', random_bytes(20_000), random_bytes(1_000_000)];
    foreach ($bodies as $body) {
        default_exchange($channel)->publish($body, $queue->getName());
    }
    $channel->qos(0, 10);
    $received = bodies(receive($queue, count($bodies), AMQP_AUTOACK));
    true($received === $bodies, 'that bodies are equal');
    $connection->disconnect();
}

play(main(...));
