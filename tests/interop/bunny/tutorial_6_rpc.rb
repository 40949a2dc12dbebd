# frozen_string_literal: true

# RPC: requests through a named queue, replies through a private one, told apart by an id.

require_relative "support"

FIBONACCI = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89].freeze

# Calls one at a time and sleeps until the reply wakes it up, as in the tutorial.
class FibonacciClient
  def initialize(connection, server_queue_name)
    @channel = open_channel(connection)
    @exchange = @channel.default_exchange
    @server_queue_name = server_queue_name
    @lock = Mutex.new
    @condition = ConditionVariable.new
    @reply_queue = @channel.queue("", exclusive: true)
    @reply_queue.subscribe do |_delivery_info, properties, payload|
      @lock.synchronize do
        next if properties[:correlation_id] != @call_id

        @response = payload.to_i
        @condition.signal
      end
    end
  end

  def call(number)
    @lock.synchronize do
      @response = nil
      @call_id = SecureRandom.uuid
      @exchange.publish(
        number.to_s,
        routing_key: @server_queue_name,
        correlation_id: @call_id,
        reply_to: @reply_queue.name
      )
      @condition.wait(@lock, PATIENCE) if @response.nil?
      @response
    end
  end
end

def main
  { "classic" => CLASSIC, "quorum" => QUORUM }.each do |kind, options|
    name = unique("rpc_queue")
    connect do |connection|
      queue = open_channel(connection).queue(name, options)
      Worker.new("serve", name, kind) do |server|
        equal(server.line, "ready")
        client = FibonacciClient.new(connection, name)
        equal(FIBONACCI.each_index.map { |number| client.call(number) }, FIBONACCI)
      end
      queue.delete
    end
  end
end

def serve(name, kind)
  connection = connect
  channel = open_channel(connection)
  queue = channel.queue(name, kind == "quorum" ? QUORUM : CLASSIC)
  exchange = channel.default_exchange
  queue.subscribe do |_delivery_info, properties, payload|
    exchange.publish(
      fibonacci(payload.to_i).to_s,
      routing_key: properties.reply_to,
      correlation_id: properties.correlation_id
    )
  end
  say("ready")
  channel.work_pool.join
end

def fibonacci(number)
  number < 2 ? number : fibonacci(number - 1) + fibonacci(number - 2)
end

play(main: method(:main), serve: method(:serve))
