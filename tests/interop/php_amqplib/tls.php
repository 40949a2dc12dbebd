<?php

/** TLS by PHP's streams: certificates of both ends, right and wrong, and EXTERNAL. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Connection\AbstractConnection;
use PhpAmqpLib\Connection\AMQPConnectionConfig;
use PhpAmqpLib\Connection\AMQPConnectionFactory;
use PhpAmqpLib\Connection\AMQPSSLConnection;
use PhpAmqpLib\Exception\AMQPExceptionInterface;
use PhpAmqpLib\Exception\AMQPIOException;
use PhpAmqpLib\Message\AMQPMessage;

const TRUSTED = ['cafile' => CERTIFICATES . 'ca.pem'];

function main(): void
{
    foreach (['tlsv1.2', 'tlsv1.3'] as $protocol) {
        exchange_messages(connect_tls(TRUSTED, protocol: $protocol));
    }
    exchange_messages(connect_by_config());

    // our certificate is asked for, and one that is wrong keeps us out
    exchange_messages(connect_tls(certificate('ann')));
    foreach (['stranger', 'late'] as $client) {
        raises(AMQPExceptionInterface::class, fn () => connect_tls(certificate($client)));
    }

    // theirs is looked at
    $others = ['cafile' => CERTIFICATES . 'other-ca.pem'];
    raises(AMQPIOException::class, fn () => connect_tls($others));
    $elsewhere = [...TRUSTED, 'peer_name' => 'elsewhere.example'];
    raises(AMQPIOException::class, fn () => connect_tls($elsewhere));

    // the certificate says who logs in
    exchange_messages(connect_tls(certificate('guest'), 'EXTERNAL'));
    raises(AMQPExceptionInterface::class, fn () => connect_tls(certificate('ann'), 'EXTERNAL'));
    raises(AMQPExceptionInterface::class, fn () => connect_tls(TRUSTED, 'EXTERNAL'));

    $strict = getenv('AMQP_TLS_STRICT_PORT');
    if ($strict !== false) {
        raises(AMQPExceptionInterface::class, fn () => connect_tls(TRUSTED, port: (int) $strict));
        exchange_messages(connect_tls(certificate('guest'), 'EXTERNAL', (int) $strict));
    }
}

function certificate(string $client): array
{
    $files = ['local_cert' => CERTIFICATES . "$client.pem", 'local_pk' => CERTIFICATES . "$client.key"];
    return [...TRUSTED, ...$files];
}

function connect_tls(
    array $ssl,
    string $mechanism = 'PLAIN',
    int $port = TLS_PORT,
    string $protocol = 'tls'
): AMQPSSLConnection {
    $login = $mechanism === 'EXTERNAL' ? ['', ''] : ['guest', 'guest'];
    $options = [...TIMEOUTS, 'login_method' => $mechanism, 'login_response' => ''];
    return new AMQPSSLConnection('localhost', $port, ...[...$login, '/', $ssl, $options, $protocol]);
}

/** The way that is there since version 3. */
function connect_by_config(): AbstractConnection
{
    $config = new AMQPConnectionConfig();
    $config->setHost('localhost');
    $config->setPort(TLS_PORT);
    $config->setIsSecure(true);
    $config->setNetworkProtocol('tls');
    $config->setSslCaCert(CERTIFICATES . 'ca.pem');
    $config->setConnectionName('by configuration');
    $config->setConnectionTimeout(PATIENCE);
    $config->setReadTimeout(PATIENCE);
    $config->setWriteTimeout(PATIENCE);
    $config->setHeartbeat(PATIENCE);
    return AMQPConnectionFactory::create($config);
}

function exchange_messages(AbstractConnection $connection): void
{
    $channel = $connection->channel();
    $channel->confirm_select();
    $queue = own_queue($channel);
    $bodies = ['', 'hello', random_bytes(20_000), random_bytes(1_000_000)];
    foreach ($bodies as $body) {
        $channel->basic_publish(new AMQPMessage($body), '', $queue);
    }
    $channel->wait_for_pending_acks(PATIENCE);
    $received = bodies(receive($channel, $queue, count($bodies), no_ack: true));
    true($received === $bodies, 'that bodies are equal');
    $connection->close();
}

play(main(...));
