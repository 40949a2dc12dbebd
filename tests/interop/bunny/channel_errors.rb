# frozen_string_literal: true

# A soft error closes its channel alone: the connection lives, and so does the next channel.

require_relative "support"

def main
  connect do |connection|
    bystander = open_channel(connection)
    queue = bystander.queue("", exclusive: true)
    nowhere = unique("nowhere")
    cases(queue.name, nowhere).each do |kind, text, action|
      channel = open_channel(connection)
      error = raises(kind) { action.call(channel) }
      equal(error.message, text)
      equal([channel.closed?, connection.open?, bystander.open?], [true, true, true])
      equal(raises(Bunny::ChannelAlreadyClosed) { channel.queue("") }.channel, channel)
      queue.publish("alive")
      equal(queue.pop[2], "alive")
    end
    acked_twice(connection, queue)
    publish_to_nowhere(connection, nowhere)
    delete_what_is_missing(connection, nowhere)
  end
end

def cases(queue, nowhere)
  no_queue = "NOT_FOUND - no queue '#{nowhere}' in vhost '/'"
  no_exchange = "NOT_FOUND - no exchange '#{nowhere}' in vhost '/'"
  [
    [Bunny::NotFound, no_queue, ->(channel) { channel.queue(nowhere, passive: true) }],
    [Bunny::NotFound, no_exchange, ->(channel) { channel.fanout(nowhere, passive: true) }],
    [Bunny::NotFound, no_queue, ->(channel) { channel.basic_consume(nowhere) }],
    [Bunny::NotFound, no_queue, ->(channel) { channel.queue_purge(nowhere) }],
    [Bunny::NotFound, no_exchange, ->(channel) { channel.queue_bind(queue, nowhere) }],
    [
      Bunny::AccessRefused,
      "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'",
      ->(channel) { channel.queue("amq.mine") }
    ],
    [
      Bunny::AccessRefused,
      "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'",
      ->(channel) { channel.topic("amq.mine") }
    ],
    [
      Bunny::AccessRefused,
      "ACCESS_REFUSED - operation not permitted on the default exchange",
      ->(channel) { channel.queue_bind(queue, "") }
    ],
    [
      Bunny::PreconditionFailed,
      "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'amq.topic' in vhost '/': " \
      "received 'fanout' but current is 'topic'",
      ->(channel) { channel.exchange_declare("amq.topic", "fanout", durable: true) }
    ],
    [
      Bunny::PreconditionFailed,
      "PRECONDITION_FAILED - channel is not transactional",
      ->(channel) { channel.tx_rollback }
    ],
    [
      Bunny::PreconditionFailed,
      "PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue '#{nowhere}' in vhost '/': " \
      "{value_negative,-1}",
      ->(channel) { channel.queue(nowhere, arguments: { "x-message-ttl" => -1 }) }
    ]
  ]
end

# That has no answer, and so bunny calls back.
def acked_twice(connection, queue)
  channel = open_channel(connection)
  errors = Inbox.new
  channel.on_error { |_, close| errors << [close.reply_code, close.reply_text] }
  channel.ack(99)
  equal(errors.take(1), [[406, "PRECONDITION_FAILED - unknown delivery tag 99"]])

  channel = open_channel(connection)
  channel.on_error { |_, close| errors << close.reply_code }
  queue.publish("once")
  info, = channel.basic_get(queue.name, manual_ack: true)
  2.times { channel.ack(info.delivery_tag.to_i) }
  equal(errors.take(1), [406])
end

# A publish has no answer, so something that has one follows.
def publish_to_nowhere(connection, nowhere)
  channel = open_channel(connection)
  channel.basic_publish("lost", nowhere, "")
  error = raises(Bunny::NotFound, Bunny::ChannelAlreadyClosed) { channel.temporary_queue }
  text = "NOT_FOUND - no exchange '#{nowhere}' in vhost '/'"
  holds(error.message.end_with?(text), error.message)
end

# Nothing is wrong with that.
def delete_what_is_missing(connection, nowhere)
  channel = open_channel(connection)
  equal(channel.queue_delete(nowhere).message_count, 0)
  channel.exchange_delete(nowhere)
  channel.queue_unbind(channel.queue("", exclusive: true).name, "amq.direct", routing_key: "none")
  holds(channel.open?, "it is open")
end

main
