# frozen_string_literal: true

# Routing: a direct exchange, and queues that are bound by several keys.

require_relative "support"

def main
  connect do |connection|
    channel = open_channel(connection)
    exchange = channel.direct(unique("direct_logs"))
    errors = listen(channel, exchange, "error")
    all = listen(channel, exchange, "info", "warning", "error")
    %w[info error debug warning].each do |severity|
      exchange.publish("a #{severity}", routing_key: severity)
    end
    equal(bodies(errors.take(1)), ["a error"])
    equal(bodies(all.take(3)), ["a info", "a error", "a warning"])

    chained = channel.fanout(unique("copies"))
    chained.bind(exchange, routing_key: "info")
    copies = listen(channel, chained, "")
    exchange.publish("copied", routing_key: "info")
    equal(bodies(copies.take(1)), ["copied"], "from exchange to exchange")
    equal(bodies(all.take(1)), ["copied"])
    chained.unbind(exchange, routing_key: "info")
    exchange.publish("not copied", routing_key: "info")
    equal(bodies(all.take(1)), ["not copied"])
    chained.publish("the last one", routing_key: "")
    equal(bodies(copies.take(1)), ["the last one"])
    holds(errors.empty?, "no more errors")
    chained.delete
    exchange.delete
  end
end

def listen(channel, exchange, *keys)
  queue = channel.queue("", exclusive: true)
  keys.each { |key| queue.bind(exchange, routing_key: key) }
  consume(queue)
end

main
