<?php

/** A quorum queue counts how often a message came back, and lets it go to another queue at its limit. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Exception\AMQPProtocolChannelException;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

function main(): void
{
    $connection = connect();
    $channel = $connection->channel();
    $dead = own_queue($channel);
    $queue = lasting_queue($channel, 'quorum', [
        'x-delivery-limit' => 2,
        'x-dead-letter-exchange' => '',
        'x-dead-letter-routing-key' => $dead,
    ]);
    $channel->basic_qos(0, 1, false);
    $channel->basic_publish(new AMQPMessage('poison', ['delivery_mode' => 2]), '', $queue);
    equal(count_deliveries($channel, $queue), [null, 1, 2]);

    [$message] = receive($channel, $dead, 1, no_ack: true);
    equal($message->getBody(), 'poison');
    $table = $message->get('application_headers');
    $headers = $table->getNativeData();
    equal($headers['x-first-death-reason'], 'delivery_limit');
    $death = $headers['x-death'][0];
    equal([$death['queue'], $death['reason'], $death['count']], [$queue, 'delivery_limit', 1]);
    equal([$death['exchange'], $death['routing-keys']], ['', [$queue]]);
    true($death['time'] instanceof DateTimeInterface, 'a time of death');
    foreach ($table['x-death'] as [, $death]) {
        equal(types($death), [
            'count' => 'l',
            'exchange' => 'S',
            'queue' => 'S',
            'reason' => 'S',
            'routing-keys' => 'A',
            'time' => 'T',
        ]);
    }
    $channel->queue_delete($queue);
    refuse_what_it_cannot($connection->channel());
    $connection->close();
}

/** How each field of a table was written, as other clients may depend on it. */
function types(AMQPTable $table): array
{
    $types = [];
    foreach ($table as $name => [$type]) {
        $types[$name] = AMQPTable::getSymbolForDataType($type);
    }
    ksort($types);
    return $types;
}

/** Lets a message come back until it does so no more; gives what each delivery counted. */
function count_deliveries(AMQPChannel $channel, string $queue): array
{
    $counts = [];
    foreach ([1, 2, 3] as $_) {
        [$message] = receive($channel, $queue, 1);
        $headers = $message->get_properties()['application_headers'] ?? new AMQPTable();
        $counts[] = $headers['x-delivery-count'];
        equal(types($headers)['x-delivery-count'] ?? 'l', 'l');
        equal($message->isRedelivered(), count($counts) > 1);
        $message->nack(true);
    }
    return $counts;
}

function refuse_what_it_cannot(AMQPChannel $channel): void
{
    $table = new AMQPTable(['x-queue-type' => 'quorum']);
    $declare = fn () => $channel->queue_declare(unique('passing'), auto_delete: false, arguments: $table);
    $error = raises(AMQPProtocolChannelException::class, $declare);
    equal($error->amqp_reply_code, 406);
    true(str_contains($error->amqp_reply_text, "invalid property 'non-durable'"), $error->amqp_reply_text);
}

play(main(...));
