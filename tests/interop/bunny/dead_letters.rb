# frozen_string_literal: true

# What expires, is rejected or is one too many goes to another exchange, and says why.

require_relative "support"

def main
  connect do |connection|
    [CLASSIC, QUORUM].each do |options|
      channel = open_channel(connection)
      exchange = channel.fanout(unique("dead"), auto_delete: true)
      inbox = consume(channel.queue("", exclusive: true).bind(exchange))
      queue = declare(channel, options, exchange)

      queue.publish("too late", expiration: "1")
      equal(reasons(inbox.take(1)[0]), ["expired", queue.name, "1"])

      queue.publish("unwanted")
      channel.reject(receive(queue, 1, manual_ack: true)[0].info.delivery_tag)
      equal(reasons(inbox.take(1)[0]), ["rejected", queue.name, nil])

      %w[first second third].each { |body| queue.publish(body) }
      message = inbox.take(1)[0]
      equal([message.body, message.info.routing_key], ["first", queue.name])
      equal(reasons(message), ["maxlen", queue.name, nil])
      queue.delete
    end
  end
end

def declare(channel, options, exchange)
  arguments = { "x-dead-letter-exchange" => exchange.name, "x-max-length" => 2 }
  arguments = arguments.merge(options.fetch(:arguments, {}))
  channel.queue(unique("living"), **options, arguments: arguments)
end

# Why and where it died, and when it was to.
def reasons(message)
  death = message.properties.headers["x-death"][0]
  equal([death["count"], death["time"].class], [1, Time])
  death.values_at("reason", "queue", "original-expiration")
end

main
