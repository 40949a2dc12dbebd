# frozen_string_literal: true

# Prefetch: how many a consumer, or a channel, may hold without having acked them.

require_relative "support"

COUNT = 10

def main
  connect do |connection|
    [CLASSIC, QUORUM].each { |options| window_of_three(connection, options) }
    window_of_channel(connection)
    share_in_turn(connection)
  end
end

def window_of_three(connection, options)
  channel = open_channel(connection)
  queue = channel.queue(unique("tasks"), options)
  publish(connection, queue)
  channel.prefetch(3)
  inbox = consume(queue, manual_ack: true)
  held = inbox.take(3)
  equal(bodies(held), numbered(0...3))
  equal(queue.message_count, COUNT - 3)
  holds(inbox.empty?, "a window of three")
  channel.ack(held[0].info.delivery_tag)
  held = inbox.take(1)
  equal(bodies(held), numbered(3...4), "one more")
  channel.nack(held[0].info.delivery_tag, true, false)
  held = inbox.take(3)
  equal(bodies(held), numbered(4...7), "three more")
  if options == CLASSIC # a quorum queue of RabbitMQ may have sent the next one already
    channel.reject(held[0].info.delivery_tag, true)
    again = inbox.take(1)[0]
    equal([again.body, again.info.redelivered?], ["4", true], "back in its place")
  end
  queue.delete
end

# With `global` all consumers of the channel share it.
def window_of_channel(connection)
  channel = open_channel(connection)
  queues = Array.new(2) { channel.queue("", exclusive: true) }
  queues.each { |queue| publish(connection, queue) }
  channel.prefetch(3, true)
  inbox = Inbox.new
  queues.each do |queue|
    queue.subscribe(manual_ack: true) { |*message| inbox << Message.new(*message) }
  end
  held = inbox.take(3)
  equal(queues.sum(&:message_count), 2 * COUNT - 3)
  holds(inbox.empty?, "a window of three for both")
  channel.ack(held[-1].info.delivery_tag, true)
  inbox.take(3)
  channel.close
end

# Without a window each gets every second message.
def share_in_turn(connection)
  queue = open_channel(connection).queue("", exclusive: true)
  inboxes = Array.new(2) do
    consume(open_channel(connection).queue(queue.name, no_declare: true), manual_ack: true)
  end
  publish(connection, queue)
  taken = inboxes.map { |inbox| bodies(inbox.take(COUNT / 2)) }
  equal(taken.sort, [(0...COUNT).step(2).map(&:to_s), (1...COUNT).step(2).map(&:to_s)])
end

# With confirms, so that the messages are there and count.
def publish(connection, queue)
  channel = open_channel(connection)
  channel.confirm_select
  COUNT.times { |number| channel.default_exchange.publish(number.to_s, routing_key: queue.name) }
  holds(channel.wait_for_confirms, "all are confirmed")
  channel.close
end

def numbered(range)
  range.map(&:to_s)
end

main
