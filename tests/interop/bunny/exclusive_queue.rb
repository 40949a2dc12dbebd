# frozen_string_literal: true

# An exclusive queue is its connection's alone, and goes with it; so is an exclusive consumer alone.

require_relative "support"

ACTIONS = [
  ->(channel, name) { channel.queue(name, exclusive: true) },
  ->(channel, name) { channel.queue(name) },
  ->(channel, name) { channel.queue(name, passive: true) },
  ->(channel, name) { channel.basic_consume(name) },
  ->(channel, name) { channel.queue_bind(name, "amq.fanout") },
  ->(channel, name) { channel.queue_purge(name) },
  ->(channel, name) { channel.queue_delete(name) }
].freeze

def main
  name = unique("mine")
  connect do |other|
    connect do |owner|
      queue = open_channel(owner).queue(name, exclusive: true)
      ACTIONS.each do |action|
        error = raises(Bunny::ResourceLocked) { action.call(open_channel(other), name) }
        text = "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '#{name}'"
        holds(error.message.start_with?(text), error.message)
      end

      # anybody may publish to it, and its owner use it on any channel
      open_channel(other).default_exchange.publish("from outside", routing_key: name)
      again = open_channel(owner).queue(name, exclusive: true)
      equal(bodies(receive(again, 1)), ["from outside"])
      exclusive_consumer(owner, queue)
    end
    open_channel(other).queue(name, exclusive: true)
  end
end

def exclusive_consumer(connection, queue)
  consumer = queue.subscribe(exclusive: true) { raise Failure, "there is nothing" }
  error = raises(Bunny::AccessRefused) { open_channel(connection).basic_consume(queue.name) }
  text = "ACCESS_REFUSED - queue '#{queue.name}' in vhost '/' in exclusive use"
  equal(error.message, text)
  consumer.cancel
  open_channel(connection).basic_consume(queue.name)
end

main
