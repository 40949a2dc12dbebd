<?php

/** An exclusive queue is its connection's alone, and goes with it. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Exception\AMQPProtocolChannelException;
use PhpAmqpLib\Message\AMQPMessage;

function main(): void
{
    $queue = unique('mine');
    [$owner, $other] = [connect(), connect()];
    $owner->channel()->queue_declare($queue, exclusive: true);
    $actions = [
        fn ($channel) => $channel->queue_declare($queue, exclusive: true),
        fn ($channel) => $channel->queue_declare($queue),
        fn ($channel) => $channel->queue_declare($queue, true),
        fn ($channel) => $channel->basic_consume($queue),
        fn ($channel) => $channel->basic_get($queue),
        fn ($channel) => $channel->queue_bind($queue, 'amq.fanout'),
        fn ($channel) => $channel->queue_purge($queue),
        fn ($channel) => $channel->queue_delete($queue),
    ];
    foreach ($actions as $action) {
        $error = raises(AMQPProtocolChannelException::class, fn () => $action($other->channel()));
        equal($error->amqp_reply_code, 405);
        $text = "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '$queue'";
        true(str_starts_with($error->amqp_reply_text, $text), $error->amqp_reply_text);
    }

    // anybody may publish to it, and its owner use it on any channel
    $publisher = $other->channel();
    $publisher->confirm_select();
    $publisher->basic_publish(new AMQPMessage('from outside'), '', $queue);
    $publisher->wait_for_pending_acks(PATIENCE);
    equal(bodies(drain($owner->channel(), $queue)), ['from outside']);
    $owner->close();
    $other->channel()->queue_declare($queue, exclusive: true);
    refuse_second_exclusive_consumer($other->channel());
    $other->close();
}

function refuse_second_exclusive_consumer(AMQPChannel $channel): void
{
    $queue = own_queue($channel);
    $channel->basic_consume($queue, exclusive: true);
    $error = raises(AMQPProtocolChannelException::class, fn () => $channel->basic_consume($queue));
    equal($error->amqp_reply_code, 403);
    equal($error->amqp_reply_text, "ACCESS_REFUSED - queue '$queue' in vhost '/' in exclusive use");
}

play(main(...));
