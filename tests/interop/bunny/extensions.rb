# frozen_string_literal: true

# RabbitMQ's own: CC and BCC, alternate exchanges, priorities of messages and of consumers, and one
# consumer at a time.

require_relative "support"

def main
  connect do |connection|
    copy(connection)
    take_what_is_left(connection)
    prefer_messages(connection)
    prefer_consumers(connection)
    one_at_a_time(connection)
  end
end

def copy(connection)
  channel = open_channel(connection)
  queues = Array.new(4) { channel.temporary_queue }
  headers = { "CC" => [queues[1].name, queues[2].name], "BCC" => [queues[3].name] }
  queues[0].publish("to all", headers: headers)
  queues.each do |queue|
    message = receive(queue, 1)[0]
    equal(message.body, "to all")
    equal(message.properties.headers.keys, ["CC"], "nobody sees BCC")
  end
end

def take_what_is_left(connection)
  channel = open_channel(connection)
  left = channel.fanout(unique("left"), auto_delete: true)
  inbox = consume(channel.temporary_queue.bind(left))
  arguments = { "alternate-exchange" => left.name }
  exchange = channel.direct(unique("orders"), arguments: arguments)
  queue = channel.temporary_queue.bind(exchange, routing_key: "known")
  %w[unknown known].each { |key| exchange.publish(key, routing_key: key, mandatory: true) }
  equal(bodies(inbox.take(1)), ["unknown"])
  equal(bodies(receive(queue, 1)), ["known"])
  exchange.delete
end

def prefer_messages(connection)
  channel = open_channel(connection)
  channel.confirm_select
  queue = channel.temporary_queue(arguments: { "x-max-priority" => 5 })
  { "low" => 1, "none" => 0, "high" => 5, "higher" => 9, "middle" => 3 }.each do |body, priority|
    queue.publish(body, priority: priority)
  end
  holds(channel.wait_for_confirms, "they are there")
  equal(drain(queue), %w[high higher middle low none])
end

def prefer_consumers(connection)
  channel = open_channel(connection)
  queue = channel.temporary_queue
  consume(queue)
  preferred = consume(queue, arguments: { "x-priority" => 10 })
  10.times { |number| queue.publish(number.to_s) }
  equal(bodies(preferred.take(10)), Array.new(10, &:to_s))
end

def one_at_a_time(connection)
  channel = open_channel(connection)
  queue = channel.temporary_queue(arguments: { "x-single-active-consumer" => true })
  first = Inbox.new
  active = queue.subscribe { |_, _, body| first << body }
  next_one = consume(queue)
  3.times { queue.publish("to the first") }
  equal(first.take(3), ["to the first"] * 3)
  active.cancel
  queue.publish("to the next")
  equal(bodies(next_one.take(1)), ["to the next"])
end

main
