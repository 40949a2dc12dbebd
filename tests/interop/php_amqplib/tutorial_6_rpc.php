<?php

/** RPC: requests through a named queue, replies through a private one or directly, told apart by an id. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Channel\AMQPChannel;
use PhpAmqpLib\Message\AMQPMessage;

/** Calls one at a time. */
final class FibonacciClient
{
    private string $callback_queue;
    private string $correlation_id = '';
    private ?string $response = null;

    public function __construct(private AMQPChannel $channel, private string $rpc_queue, bool $direct)
    {
        $this->callback_queue = $direct ? 'amq.rabbitmq.reply-to' : own_queue($channel);
        $channel->basic_consume($this->callback_queue, '', false, true, false, false, $this->on_reply(...));
    }

    public function call(int $number): int
    {
        $this->response = null;
        $this->correlation_id = uniqid();
        $properties = ['correlation_id' => $this->correlation_id, 'reply_to' => $this->callback_queue];
        $this->channel->basic_publish(new AMQPMessage("$number", $properties), '', $this->rpc_queue);
        wait_until($this->channel, fn () => $this->response !== null, "fib($number)");
        return (int) $this->response;
    }

    private function on_reply(AMQPMessage $reply): void
    {
        if ($reply->get('correlation_id') === $this->correlation_id) {
            $this->response = $reply->getBody();
        }
    }
}

function main(): void
{
    foreach (['classic', 'quorum'] as $type) {
        $connection = connect();
        $queue = lasting_queue($connection->channel(), $type);
        $server = new Worker('server', $queue);
        equal($server->line(), 'ready');
        foreach ([false, true] as $direct) {
            $client = new FibonacciClient($connection->channel(), $queue, $direct);
            equal(array_map($client->call(...), range(0, 11)), [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]);
        }
        $connection->channel()->queue_delete($queue);
        $connection->close();
    }
}

function serve(string $queue): void
{
    $channel = connect()->channel();
    $on_request = function (AMQPMessage $request): void {
        $answer = fibonacci((int) $request->getBody());
        $reply = new AMQPMessage("$answer", ['correlation_id' => $request->get('correlation_id')]);
        $request->getChannel()->basic_publish($reply, '', $request->get('reply_to'));
        $request->ack();
    };
    $channel->basic_qos(0, 1, false);
    $channel->basic_consume($queue, '', false, false, false, false, $on_request);
    say('ready');
    $channel->consume();
}

function fibonacci(int $number): int
{
    return $number < 2 ? $number : fibonacci($number - 1) + fibonacci($number - 2);
}

play(main(...), server: serve(...));
