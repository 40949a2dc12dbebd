<?php

/** Logins that are refused, and hard errors, which close the whole connection. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPChannelClosedException;
use PhpAmqpLib\Exception\AMQPConnectionClosedException;
use PhpAmqpLib\Message\AMQPMessage;

function main(): void
{
    foreach (['PLAIN', 'AMQPLAIN'] as $mechanism) {
        exchange_message(connect(login_method: $mechanism));
        refuse_login($mechanism);
    }
    $vhost = unique('nowhere');
    $error = raises(AMQPConnectionClosedException::class, fn () => connect(vhost: $vhost));
    equal([$error->getCode(), $error->getMessage()], [530, "NOT_ALLOWED - vhost $vhost not found(10, 40)"]);

    // the library adds the method to the text
    $ask_for_size = fn ($channel) => $channel->basic_qos(10, 0, false);
    close_hard($ask_for_size, 540, 'NOT_IMPLEMENTED - prefetch_size!=0 (10)(60, 10)');
    $stop = fn ($channel) => $channel->flow(false);
    close_hard($stop, 540, 'NOT_IMPLEMENTED - active=false(20, 20)');
    close_hard(function ($channel): void {
        $channel->basic_publish(new AMQPMessage('now or never'), '', 'any', false, true);
        own_queue($channel);
    }, 540, 'NOT_IMPLEMENTED - immediate=true(60, 40)');
    close_hard(function ($channel): void {
        $queue = own_queue($channel);
        $channel->basic_consume($queue, 'twice', callback: new Inbox());
        unset($channel->callbacks['twice']); // the library would notice
        $channel->basic_consume($queue, 'twice', callback: new Inbox());
    }, 530, "NOT_ALLOWED - attempt to reuse consumer tag 'twice'(60, 20)");
}

function exchange_message(AMQPStreamConnection $connection): void
{
    $channel = $connection->channel();
    $queue = own_queue($channel);
    $channel->basic_publish(new AMQPMessage('in'), '', $queue);
    equal($channel->basic_get($queue, true)->getBody(), 'in');
    $connection->close();
}

function refuse_login(string $mechanism): void
{
    $error = raises(
        AMQPConnectionClosedException::class,
        fn () => connect(password: 'wrong', login_method: $mechanism)
    );
    equal($error->getCode(), 403);
    $text = "ACCESS_REFUSED - Login was refused using authentication mechanism $mechanism.";
    true(str_starts_with($error->getMessage(), $text), $error->getMessage());
}

function close_hard(callable $action, int $code, string $text): void
{
    $connection = connect();
    [$channel, $other] = [$connection->channel(), $connection->channel()];
    $error = raises(AMQPConnectionClosedException::class, fn () => $action($channel));
    equal([$error->getCode(), $error->getMessage()], [$code, $text]);
    equal($connection->isConnected(), false);
    $publish = fn () => $other->basic_publish(new AMQPMessage('too late'));
    raises(AMQPChannelClosedException::class, $publish);
}

play(main(...));
