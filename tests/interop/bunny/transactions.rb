# frozen_string_literal: true

# tx: publishes and acks count from the commit on, and a rollback forgets them.

require_relative "support"

def main
  connect do |connection|
    queue = open_channel(connection).queue("", exclusive: true)
    channel = open_channel(connection)
    channel.tx_select
    holds(channel.using_tx?, "tx")
    publish(channel, queue, "a")
    publish(channel, queue, "b")
    equal(queue.message_count, 0, "before the commit")
    channel.tx_commit
    equal(queue.message_count, 2, "after the commit")
    publish(channel, queue, "c")
    channel.tx_rollback
    channel.tx_commit
    equal(queue.message_count, 2, "after a rollback")

    info, _, body = channel.basic_get(queue.name, manual_ack: true)
    equal(body, "a")
    channel.ack(info.delivery_tag.to_i)
    channel.tx_rollback
    channel.close
    info, _, body = queue.pop(manual_ack: true)
    equal([body, info.redelivered?], ["a", true], "its ack was rolled back")
    queue.channel.nack(info.delivery_tag.to_i, false, true)

    channel = open_channel(connection)
    channel.tx_select
    info, = channel.basic_get(queue.name, manual_ack: true)
    channel.ack(info.delivery_tag.to_i)
    channel.tx_commit
    channel.close
    equal(queue.pop[2], "b", "the ack of a was committed")

    error = raises(Bunny::PreconditionFailed) { open_channel(connection).tx_commit }
    equal(error.message, "PRECONDITION_FAILED - channel is not transactional")
    channel = open_channel(connection)
    channel.confirm_select
    error = raises(Bunny::PreconditionFailed) { channel.tx_select }
    equal(error.message, "PRECONDITION_FAILED - cannot switch from confirm to tx mode")
  end
end

def publish(channel, queue, body)
  channel.default_exchange.publish(body, routing_key: queue.name)
end

main
