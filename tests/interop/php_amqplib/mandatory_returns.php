<?php

/** A message that no queue takes: dropped, or returned when it was mandatory, before its confirm. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

function main(): void
{
    $connection = connect();
    return_without_confirms($connection->channel());
    return_before_confirm($connection->channel());
    $connection->close();
}

function return_without_confirms(AMQPChannel $channel): void
{
    $missing = unique('nobody');
    $returned = new ArrayObject();
    $channel->set_return_listener(function (...$arguments) use ($returned): void {
        $returned->append($arguments);
    });
    $headers = new AMQPTable(['a' => 1, 'list' => ['b', ['c' => true]]]);
    $properties = ['message_id' => '42', 'application_headers' => $headers];
    $channel->basic_publish(new AMQPMessage('dropped'), '', $missing);
    $channel->basic_publish(new AMQPMessage('come back', $properties), '', $missing, true);
    wait_until($channel, fn () => count($returned) > 0, 'the return');
    [$code, $text, $exchange, $key, $message] = $returned[0];
    equal([$code, $text, $exchange, $key], [312, 'NO_ROUTE', '', $missing]);
    equal([$message->getBody(), $message->get('message_id')], ['come back', '42']);
    equal($message->get('application_headers')->getNativeData(), $headers->getNativeData());
    equal(count($returned), 1);
}

function return_before_confirm(AMQPChannel $channel): void
{
    $queue = own_queue($channel);
    $events = new ArrayObject();
    $channel->confirm_select();
    $channel->set_return_listener(fn ($code, $text, $exchange, $key, $message) =>
        $events->append("returned {$message->getBody()}"));
    $channel->set_ack_handler(fn ($message) => $events->append("acked {$message->getBody()}"));
    foreach ([unique('nobody'), $queue, unique('nobody')] as $number => $key) {
        $channel->basic_publish(new AMQPMessage("$number"), '', $key, true);
        $channel->wait_for_pending_acks_returns(PATIENCE);
    }
    equal($events->getArrayCopy(), ['returned 0', 'acked 0', 'acked 1', 'returned 2', 'acked 2']);
    equal(bodies(drain($channel, $queue)), ['1']);
}

play(main(...));
