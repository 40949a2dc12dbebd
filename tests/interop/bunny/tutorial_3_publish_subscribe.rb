# frozen_string_literal: true

# Publish and subscribe: a fanout exchange, and a queue of its own for each who listens.

require_relative "support"

def main
  connect do |connection|
    channel = open_channel(connection)
    exchange = channel.fanout(unique("logs"))
    exchange.publish("nobody listens yet")
    queues = Array.new(2) { channel.queue("", exclusive: true).bind(exchange) }
    queues.each { |queue| holds(queue.name.start_with?("amq.gen-"), queue.name) }
    inboxes = queues.map { |queue| consume(queue) }
    exchange.publish("info: Hello World!")
    exchange.publish("a key is of no use", routing_key: "anything")
    inboxes.each do |inbox|
      messages = inbox.take(2)
      equal(bodies(messages), ["info: Hello World!", "a key is of no use"])
      equal(messages[0].info.exchange, exchange.name)
      equal(messages.map { |message| message.info.routing_key }, ["", "anything"])
    end

    queues[0].unbind(exchange)
    exchange.publish("one is left")
    equal(bodies(inboxes[1].take(1)), ["one is left"])
    equal(queues[0].status, { message_count: 0, consumer_count: 1 })
    holds(inboxes[0].empty?, "nothing comes once it is unbound")
    exchange.delete
  end
end

main
