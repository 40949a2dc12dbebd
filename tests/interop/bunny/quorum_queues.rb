# frozen_string_literal: true

# Quorum queues count deliveries, give up at their limit, and put what they gave up elsewhere.

require_relative "support"

def main
  connect do |connection|
    channel = open_channel(connection)
    dead = channel.queue(unique("dead"), QUORUM)
    arguments = {
      "x-queue-type" => "quorum",
      "x-delivery-limit" => 2,
      "x-dead-letter-exchange" => "",
      "x-dead-letter-routing-key" => dead.name
    }
    queue = channel.queue(unique("tried"), durable: true, arguments: arguments)
    queue.publish("poison", message_id: "7")
    inbox = consume(queue, manual_ack: true)
    counts = Array.new(3) do
      message = inbox.take(1)[0]
      channel.nack(message.info.delivery_tag, false, true)
      (message.properties.headers || {})["x-delivery-count"]
    end
    equal(counts, [nil, 1, 2])

    message = receive(dead, 1)[0]
    equal([message.body, message.properties.message_id], ["poison", "7"])
    death = message.properties.headers["x-death"][0]
    equal(death.slice("queue", "reason", "count", "exchange", "routing-keys"), {
      "queue" => queue.name,
      "reason" => "delivery_limit",
      "count" => 1,
      "exchange" => "",
      "routing-keys" => [queue.name]
    })
    holds(death["time"].is_a?(Time), death["time"])
    equal(message.properties.headers["x-first-death-reason"], "delivery_limit")
    equal(queue.message_count, 0)
    refuse_what_they_cannot(connection)
    queue.delete
    dead.delete
  end
end

def refuse_what_they_cannot(connection)
  [{ durable: false }, { durable: true, exclusive: true }].each do |options|
    error = raises(Bunny::PreconditionFailed) do
      open_channel(connection).queue(unique("odd"), **options, arguments: QUORUM[:arguments])
    end
    holds(error.message.start_with?("PRECONDITION_FAILED - invalid property"), error.message)
  end
end

main
