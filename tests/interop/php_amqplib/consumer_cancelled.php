<?php

/** A consumer is told when its queue is deleted under it. */

declare(strict_types=1);

require_once 'support.php';

use PhpAmqpLib\Exception\AMQPBasicCancelException;
use PhpAmqpLib\Message\AMQPMessage;

function main(): void
{
    foreach (['classic', 'quorum', 'stream'] as $type) {
        [$connection, $other] = [connect(), connect()];
        $queue = lasting_queue($other->channel(), $type);
        $channel = $connection->channel();
        $channel->basic_qos(0, 10, false);
        $channel->basic_consume($queue, 'watcher', callback: new Inbox());
        $other->channel()->queue_delete($queue);
        $error = raises(AMQPBasicCancelException::class, fn () => $channel->wait(null, false, PATIENCE));
        equal($error->consumerTag, 'watcher');

        // the channel goes on
        equal($channel->basic_cancel('watcher'), 'watcher');
        $again = own_queue($channel);
        $channel->basic_publish(new AMQPMessage('after the cancel'), '', $again);
        equal(bodies(receive($channel, $again, 1)), ['after the cancel']);
        $connection->close();
        $other->close();
    }
}

play(main(...));
