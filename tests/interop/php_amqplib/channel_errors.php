<?php

/** A soft error closes its channel alone: the connection lives, and so does the next channel. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Exception\AMQPProtocolChannelException;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

function main(): void
{
    $connection = connect();
    $bystander = $connection->channel();
    $queue = own_queue($bystander);
    foreach (mistakes($queue, unique('nowhere')) as [$action, $code, $text, $method]) {
        $channel = $connection->channel();
        $error = raises(AMQPProtocolChannelException::class, fn () => $action($channel));
        equal($error->amqp_reply_text, $text);
        equal([$error->amqp_reply_code, $error->getCode()], [$code, $code], $text);
        equal($error->amqp_method_sig, $method, $text);
        equal([$channel->is_open(), $connection->isConnected()], [false, true]);
        $bystander->basic_publish(new AMQPMessage('alive'), '', $queue);
        equal($bystander->basic_get($queue, true)->getBody(), 'alive');
    }
    delete_what_is_missing($connection->channel(), unique('nowhere'));
    $connection->close();
}

/** What to do, and the code, text and method of the error that follows. */
function mistakes(string $queue, string $nowhere): array
{
    $no_exchange = "NOT_FOUND - no exchange '$nowhere' in vhost '/'";
    $no_queue = "NOT_FOUND - no queue '$nowhere' in vhost '/'";
    return [
        [
            fn ($channel) => and_ask(
                $channel,
                fn () => $channel->basic_publish(new AMQPMessage('lost'), $nowhere)
            ),
            404,
            $no_exchange,
            [60, 40],
        ],
        [fn ($channel) => $channel->basic_get($nowhere), 404, $no_queue, [60, 70]],
        [fn ($channel) => $channel->basic_consume($nowhere), 404, $no_queue, [60, 20]],
        [fn ($channel) => $channel->queue_bind($queue, $nowhere), 404, $no_exchange, [50, 20]],
        [fn ($channel) => $channel->queue_declare($nowhere, true), 404, $no_queue, [50, 10]],
        [fn ($channel) => $channel->exchange_declare($nowhere, '', true), 404, $no_exchange, [40, 10]],
        [fn ($channel) => $channel->exchange_bind($nowhere, 'amq.direct'), 404, $no_exchange, [40, 30]],
        [
            fn ($channel) => $channel->queue_declare('amq.mine'),
            403,
            "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'",
            [50, 10],
        ],
        [
            fn ($channel) => $channel->exchange_declare('amq.mine', 'direct'),
            403,
            "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'",
            [40, 10],
        ],
        [
            fn ($channel) => $channel->queue_bind($queue, ''),
            403,
            "ACCESS_REFUSED - operation not permitted on the default exchange",
            [50, 20],
        ],
        [
            fn ($channel) => $channel->exchange_declare('amq.topic', 'fanout', false, true, false),
            406,
            "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'amq.topic' in vhost '/':"
                . " received 'fanout' but current is 'topic'",
            [40, 10],
        ],
        [
            fn ($channel) => $channel->queue_declare(
                $nowhere,
                arguments: new AMQPTable(['x-message-ttl' => 'soon'])
            ),
            406,
            "PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue '$nowhere' in vhost '/':"
                . ' "expected integer, got longstr"',
            [50, 10],
        ],
        [
            fn ($channel) => and_ask($channel, fn () => $channel->basic_ack(99)),
            406,
            'PRECONDITION_FAILED - unknown delivery tag 99',
            [60, 80],
        ],
        [
            fn ($channel) => and_ask($channel, fn () => $channel->basic_publish(
                new AMQPMessage('forged', ['user_id' => 'somebody']),
                '',
                $queue
            )),
            406,
            "PRECONDITION_FAILED - user_id property set to 'somebody' but authenticated user was 'guest'",
            [60, 40],
        ],
        [
            fn ($channel) => [$channel->tx_select(), $channel->confirm_select()],
            406,
            'PRECONDITION_FAILED - cannot switch from tx to confirm mode',
            [85, 10],
        ],
        [
            fn ($channel) => $channel->tx_commit(),
            406,
            'PRECONDITION_FAILED - channel is not transactional',
            [90, 20],
        ],
    ];
}

/** What has no answer must be followed by something that has one. */
function and_ask(AMQPChannel $channel, callable $action): void
{
    $action();
    own_queue($channel);
}

/** Nothing is wrong with that. */
function delete_what_is_missing(AMQPChannel $channel, string $name): void
{
    $channel->queue_delete($name);
    $channel->exchange_delete($name);
}

play(main(...));
