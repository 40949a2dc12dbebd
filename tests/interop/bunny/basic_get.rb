# frozen_string_literal: true

# Messages that are fetched one at a time, and what can be asked of a queue.

require_relative "support"

def main
  connect do |connection|
    [CLASSIC, QUORUM].each do |options|
      channel = open_channel(connection)
      queue = channel.queue(unique("fetched"), options)
      equal(queue.pop, [nil, nil, nil])
      channel.confirm_select
      %w[a b c d].each { |body| queue.publish(body) }
      holds(channel.wait_for_confirms, "they are there")

      info, properties, body = queue.pop(manual_ack: true)
      equal([body, properties.delivery_mode], ["a", 2])
      equal([info.exchange, info.routing_key, info.redelivered?], ["", queue.name, false])
      equal(queue.message_count, 3)
      channel.ack(info.delivery_tag.to_i)
      equal(queue.pop[2], "b")
      give_back(channel, queue) if options == CLASSIC
      queue.purge
      equal(queue.status, { message_count: 0, consumer_count: 0 })
      equal(connection.queue_exists?(queue.name), true)
      queue.delete
      equal(connection.queue_exists?(queue.name), false)
      equal(connection.exchange_exists?("amq.topic"), true)
      equal(connection.exchange_exists?(unique("nowhere")), false)
      equal(channel.flow(true).active, true)
    end
  end
end

# To where they were; a quorum queue of RabbitMQ may put what comes next before them.
def give_back(channel, queue)
  info, _, body = queue.pop(manual_ack: true)
  equal(body, "c")
  channel.nack(info.delivery_tag.to_i, false, true)
  info, _, body = queue.pop(manual_ack: true)
  equal([body, info.redelivered?], ["c", true])
  channel.reject(info.delivery_tag.to_i, true)

  # what is not acked comes back on request
  equal(queue.pop(manual_ack: true)[2], "c")
  equal(queue.pop(manual_ack: true)[2], "d")
  channel.recover
  info, _, body = queue.pop(manual_ack: true)
  equal([body, info.redelivered?], ["c", true])
  channel.ack(info.delivery_tag.to_i)
  equal(queue.message_count, 1)
end

main
