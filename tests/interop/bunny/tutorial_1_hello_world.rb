# frozen_string_literal: true

# Hello world: one program sends to a queue, another receives from it.

require_relative "support"

KINDS = { "classic" => CLASSIC, "durable" => DURABLE, "quorum" => QUORUM }.freeze

def main
  KINDS.each do |kind, options|
    name = unique("hello")
    Worker.new("receive", name, kind) do |receiver|
      equal(receiver.line, "waiting")
      connect do |connection|
        channel = open_channel(connection)
        queue = channel.queue(name, options)
        channel.default_exchange.publish("Hello World!", routing_key: queue.name)
        equal(receiver.line, "Received Hello World!")
        queue.publish("Grüße")
        equal(receiver.line, "Received Grüße")
        receiver.kill
        queue.delete
      end
    end
  end
end

def receive_as_in_tutorial(name, kind)
  connection = connect
  channel = open_channel(connection)
  queue = channel.queue(name, KINDS[kind])
  say("waiting")
  queue.subscribe(block: true) do |_delivery_info, _properties, body|
    say("Received #{body}")
  end
end

play(main: method(:main), receive: method(:receive_as_in_tutorial))
