# frozen_string_literal: true

# Work queues: durable, persistent, acked when the work is done, one task at a time for each worker.

require_relative "support"

COUNT = 10

def main
  { "durable" => DURABLE, "quorum" => QUORUM }.each do |kind, options|
    name = unique("task_queue")
    connect do |connection|
      channel = open_channel(connection)
      queue = channel.queue(name, options)
      Worker.new("work", name, kind, "slow") do |slow|
        equal(slow.line, "ready")
        publish(queue, 0...1)
        equal(slow.line, "1 task 0") # and it holds that
        Worker.new("work", name, kind, "fast") do |fast|
          equal(fast.line, "ready")
          publish(queue, 1...COUNT)
          equal(fast.lines(COUNT - 1), (1...COUNT).map { |number| "1 task #{number}" })
          slow.kill
          equal(fast.line, "2 task 0", "what the other had")
          equal(fast.line, "acked")
        end
      end
      equal(queue.message_count, 0)
      queue.delete
    end
  end
end

def publish(queue, numbers)
  numbers.each { |number| queue.publish("task #{number}", persistent: true) }
end

def work(name, kind, speed)
  connection = connect
  channel = open_channel(connection)
  queue = channel.queue(name, kind == "quorum" ? QUORUM : DURABLE)
  channel.prefetch(1)
  done = 0
  consumer = Bunny::Consumer.new(channel, queue, "worker", false)
  consumer.on_delivery do |delivery_info, properties, body|
    equal(properties.delivery_mode, 2)
    say("#{delivery_info.redelivered? ? 2 : 1} #{body}")
    next if speed == "slow"

    channel.ack(delivery_info.delivery_tag)
    done += 1
    next if done < COUNT

    # an answer to this means that the acks have arrived
    channel.queue_declare(name, passive: true)
    say("acked")
  end
  queue.subscribe_with(consumer)
  say("ready")
  channel.work_pool.join
end

play(main: method(:main), work: method(:work))
