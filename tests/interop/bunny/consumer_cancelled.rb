# frozen_string_literal: true

# A consumer is told when its queue is deleted under it, and not when it cancels by itself.

require_relative "support"

def main
  connect do |connection|
    connect do |other|
      channel = open_channel(connection)
      cancelled = Inbox.new
      on_cancellation = ->(cancel) { cancelled << cancel.consumer_tag }
      [CLASSIC, QUORUM].each do |options|
        queue = channel.queue(unique("doomed"), options)
        consumer = queue.subscribe(consumer_tag: "watcher", on_cancellation: on_cancellation) {}
        equal(consumer.consumer_tag, "watcher")
        open_channel(other).queue_delete(queue.name)
        equal(cancelled.take(1), ["watcher"])
        equal([channel.open?, channel.any_consumers?], [true, false])
      end

      queue = channel.queue("", exclusive: true)
      consumer = queue.subscribe(consumer_tag: "", on_cancellation: on_cancellation) {}
      tag = channel.consumers.keys.find { |name| name.start_with?("amq.ctag-") }
      holds(tag, "the broker makes up a tag")
      equal(queue.consumer_count, 1)
      channel.basic_cancel(tag)
      queue.publish("after the cancel")
      equal(queue.pop[2], "after the cancel")
      equal(consumer.manual_acknowledgement?, false)
      holds(cancelled.empty?, "who cancels is not told")
    end
  end
end

main
