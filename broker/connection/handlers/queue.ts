import { AmqpError } from "../../amqp/error.ts";
import type { Method } from "../../amqp/methods/mod.ts";
import {
  type QueueBind,
  queueBindOk,
  type QueueDeclare,
  queueDeclareOk,
  type QueueDelete,
  queueDeleteOk,
  queuePurgeOk,
  type QueueUnbind,
  queueUnbindOk,
} from "../../amqp/methods/queue.ts";
import type { BindingDeclaration } from "../../vhost/declarations.ts";
import { cleanName, DIRECT_REPLY_TO, isReplyAddress, queueText } from "../../vhost/names.ts";
import type { BrokerChannel } from "../channel.ts";
import { checkAsking, checkBinding } from "./permitted.ts";

/** Carries out the methods of the class `queue`. */
export function handleQueue(channel: BrokerChannel, method: Method): void {
  const { connection } = channel;
  const { vhost } = connection;
  switch (method.name) {
    case "queue.declare":
      return declare(channel, method);
    case "queue.bind": {
      const steps = vhost.beginBindingQueue(permittedBinding(channel, method), connection);
      const reply = () => {
        if (method.noWait) return;
        // whoever waits for the same steps may have taken the change
        const touched = vhost.takeChange() || steps !== undefined;
        channel.sendWhenSynced(queueBindOk(), touched);
      };
      return steps === undefined ? reply() : channel.doInSteps(steps, method, reply);
    }
    case "queue.unbind":
      vhost.unbindQueue(permittedBinding(channel, method), connection);
      return channel.sendWhenSynced(queueUnbindOk(), vhost.takeChange());
    case "queue.purge": {
      const name = channel.queueName(method.queue);
      connection.restrictions?.require("read", "queue", name);
      const queue = vhost.queue(name, connection);
      vhost.checkTake(queue, "queue.purge");
      const messageCount = queue.purge();
      if (method.noWait) return;
      const touched = queue.keepsMessages && messageCount > 0;
      const reply = queuePurgeOk({ messageCount });
      if (!queue.purging) return channel.sendWhenSynced(reply, touched);
      return channel.sendWhen((callback) => queue.whenPurged(callback), reply, touched);
    }
    case "queue.delete": {
      const name = cleanName(channel.queueName(method.queue));
      connection.restrictions?.require("configure", "queue", name);
      channel.holdCancels();
      const deleting = vhost.beginDeletingQueue(name, method, connection);
      if (typeof deleting === "number") return deleted(channel, method, deleting);
      return channel.doInSteps(
        deleting.steps,
        method,
        () => deleted(channel, method, deleting.dropped),
      );
    }
    default:
      throw new AmqpError(503, "unimplemented method");
  }
}

function deleted(channel: BrokerChannel, { noWait }: QueueDelete, messageCount: number): void {
  if (noWait) return channel.sendHeldCancels();
  channel.sendWhenSynced(queueDeleteOk({ messageCount }), channel.connection.vhost.takeChange());
}

function declare(channel: BrokerChannel, method: QueueDeclare): void {
  const { connection } = channel;
  if (isReplyAddress(method.queue)) return answerReplyAddress(channel, method);
  if (method.passive) checkAsking(channel, "queue", method.queue);
  const queue = connection.vhost.declareQueue(
    method.queue,
    method,
    connection,
    connection.restrictions?.queues,
  );
  channel.lastQueue = queue.name;
  if (method.noWait) return;
  const { messageCount, consumerCount } = queue;
  channel.sendWhenSynced(
    queueDeclareOk({ queue: queue.name, messageCount, consumerCount }),
    connection.vhost.takeChange(),
  );
}

/** Whoever declares an address for direct replies is told whether somebody waits for them there: it is
 * no queue that could be made. */
function answerReplyAddress(channel: BrokerChannel, { queue, noWait }: QueueDeclare): void {
  const { vhost } = channel.connection;
  if (!vhost.publishing.isReplyName(queue)) {
    throw new AmqpError(404, `no ${queueText(queue, vhost.name)}`);
  }
  channel.lastQueue = queue;
  if (!noWait) channel.send(queueDeclareOk({ queue, messageCount: 0, consumerCount: 1 }));
}

function permittedBinding(
  channel: BrokerChannel,
  method: QueueBind | QueueUnbind,
): BindingDeclaration {
  const fields = binding(channel, method);
  if (channel.connection.profile.repliesAreRouted && isReplyName(fields.destination)) {
    throw new AmqpError(403, "cannot bind or unbind to a volatile (direct reply-to) queue");
  }
  checkBinding(channel, "queue", fields);
  return fields;
}

/** True for an address of one who waits for direct replies, or waited. */
function isReplyName(name: string): boolean {
  return name.startsWith(`${DIRECT_REPLY_TO}.`);
}

/** An empty queue name stands for the queue declared last, and with it an empty key for its name. */
function binding(channel: BrokerChannel, method: QueueBind | QueueUnbind): BindingDeclaration {
  const destination = cleanName(channel.queueName(method.queue));
  const routingKey = method.queue === "" && method.routingKey === ""
    ? destination
    : method.routingKey;
  const source = cleanName(method.exchange);
  return { source, destination, routingKey, arguments: method.arguments };
}
