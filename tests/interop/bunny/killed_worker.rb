# frozen_string_literal: true

# A worker that is killed: what it had not acked goes to the next one, marked as redelivered.

require_relative "support"

TASKS = Array.new(5) { |number| "task #{number}" }.freeze

def main
  connect do |connection|
    [CLASSIC, QUORUM].each do |options|
      redeliver_unacked(connection, options)
      redeliver_to_waiting_consumer(connection, options)
    end
    forget_what_needs_no_ack(connection)
  end
end

def redeliver_unacked(connection, options)
  channel, queue = publish_tasks(connection, options)
  Worker.new("work", queue.name, "manual", "2") do |worker|
    equal(worker.lines(TASKS.size), TASKS)
    equal(worker.line, "acked")
    worker.kill
  end
  messages = receive(queue, 3, manual_ack: true)
  equal(bodies(messages), TASKS[2..])
  equal(messages.map { |message| message.info.redelivered? }, [true] * 3)
  channel.ack(messages[-1].info.delivery_tag, true)
  equal(queue.pop, [nil, nil, nil])
  queue.delete
end

def redeliver_to_waiting_consumer(connection, options)
  _, queue = publish_tasks(connection, options)
  Worker.new("work", queue.name, "manual", "0") do |worker|
    equal(worker.lines(TASKS.size), TASKS)
    inbox = consume(queue, manual_ack: true)
    equal(queue.consumer_count, 2)
    holds(inbox.empty?, "the worker has them all")
    worker.kill
    equal(bodies(inbox.take(TASKS.size)), TASKS)
  end
  queue.delete
end

def forget_what_needs_no_ack(connection)
  _, queue = publish_tasks(connection, CLASSIC)
  Worker.new("work", queue.name, "auto", "0") do |worker|
    equal(worker.lines(TASKS.size), TASKS)
    worker.kill
  end
  equal(queue.message_count, 0)
  equal(queue.pop, [nil, nil, nil])
  queue.delete
end

def publish_tasks(connection, options)
  channel = open_channel(connection)
  queue = channel.queue(unique("task_queue"), options)
  TASKS.each { |body| queue.publish(body, persistent: true) }
  [channel, queue]
end

def work(name, mode, acks)
  connection = connect
  channel = open_channel(connection)
  queue = channel.queue(name, no_declare: true)
  count = 0
  queue.subscribe(manual_ack: mode == "manual", block: true) do |delivery_info, _properties, body|
    equal(delivery_info.redelivered?, false)
    say(body)
    count += 1
    channel.ack(delivery_info.delivery_tag) if count <= acks.to_i
    if acks != "0" && count == TASKS.size
      # an answer to this means that the acks have arrived
      channel.queue_declare(name, passive: true)
      say("acked")
    end
  end
end

play(main: method(:main), work: method(:work))
