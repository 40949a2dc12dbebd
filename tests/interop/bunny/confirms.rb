# frozen_string_literal: true

# Publisher confirms: waited for, called back, nacked, and of messages that come back.

require_relative "support"

def main
  connect do |connection|
    wait_for_all(connection)
    call_back(connection)
    nack_what_is_too_much(connection)
    return_mandatory(connection)
    drop_silently(connection)
  end
end

def wait_for_all(connection)
  channel = open_channel(connection)
  channel.confirm_select
  holds(channel.using_publisher_confirms?, "confirms")
  [CLASSIC, DURABLE, QUORUM].each do |options|
    queue = channel.queue(unique("confirmed"), options)
    200.times { |number| queue.publish(number.to_s, persistent: true) }
    equal(channel.wait_for_confirms, true)
    equal(channel.unconfirmed_set.size, 0)
    equal(queue.message_count, 200)
    queue.delete
  end
  equal(channel.next_publish_seq_no, 601)
  equal(channel.nacked_set.size, 0)
end

def call_back(connection)
  confirmed = Inbox.new
  channel = open_channel(connection)
  channel.confirm_select(->(tag, _multiple, nack) { confirmed << [tag, nack] })
  queue = channel.queue("", exclusive: true)
  50.times { queue.publish("x") }
  equal(confirmed.take(50).sort_by(&:first), (1..50).map { |tag| [tag, false] })
end

def nack_what_is_too_much(connection)
  limit = { "x-max-length" => 2, "x-overflow" => "reject-publish" }
  [CLASSIC, QUORUM].each do |options|
    channel = open_channel(connection)
    channel.confirm_select
    arguments = limit.merge(options.fetch(:arguments, {}))
    queue = channel.queue(unique("full"), **options, arguments: arguments)
    # one at a time: a quorum queue takes a few more until the publisher hears of the limit
    2.times { |number| publish_and_wait(channel, queue, number) }
    publish_and_wait(channel, queue, "more") while channel.nacked_set.empty?
    equal(channel.nacked_set.size, 1)
    equal(channel.nacked_set.max, channel.next_publish_seq_no - 1)
    equal(queue.pop[2], "0")
    queue.delete
    channel.close
  end
end

# True of what was taken, false of what was nacked.
def publish_and_wait(channel, queue, body)
  before = channel.nacked_set.size
  queue.publish(body.to_s)
  equal(channel.wait_for_confirms, channel.nacked_set.size == before)
end

def return_mandatory(connection)
  channel = open_channel(connection)
  channel.confirm_select
  exchange = channel.default_exchange
  returned = Inbox.new
  exchange.on_return { |*message| returned << Message.new(*message) }
  missing = unique("nobody")
  message = { routing_key: missing, mandatory: true, message_id: "42", headers: { "a" => 1 } }
  exchange.publish("come back", message)
  equal(channel.wait_for_confirms, true, "a confirm of what came back")
  message = returned.take(1)[0]
  equal([message.info.reply_code, message.info.reply_text], [312, "NO_ROUTE"])
  equal([message.info.exchange, message.info.routing_key], ["", missing])
  equal([message.properties.message_id, message.properties.headers], ["42", { "a" => 1 }])
  equal(message.body, "come back")

  # without confirms as well, on an exchange of its own
  channel = open_channel(connection)
  exchange = channel.topic(unique("orders"), auto_delete: true)
  exchange.on_return { |*one| returned << Message.new(*one) }
  exchange.publish("nobody wants it", routing_key: "a.b", mandatory: true)
  message = returned.take(1)[0]
  equal([message.info.exchange, message.info.routing_key], [exchange.name, "a.b"])
  queue = channel.queue("", exclusive: true).bind(exchange, routing_key: "a.*")
  exchange.publish("wanted", routing_key: "a.b", mandatory: true)
  equal(bodies(receive(queue, 1)), ["wanted"])
  holds(returned.empty?, "nothing else comes back")
end

def drop_silently(connection)
  channel = open_channel(connection)
  exchange = channel.fanout(unique("logs"), auto_delete: true)
  exchange.publish("lost")
  channel.confirm_select
  exchange.publish("lost as well, and confirmed")
  equal(channel.wait_for_confirms, true)
  exchange.delete
end

main
