# frozen_string_literal: true

# A broker that is killed and comes back: bunny declares and consumes anew, and finds what was
# confirmed.

require_relative "support"

def main
  recovered = Inbox.new
  connection = connect(network_recovery_interval: 0.2, recovery_completed: -> { recovered << true })
  publisher = open_channel(connection)
  publisher.confirm_select
  channel = open_channel(connection)
  channel.prefetch(5)

  orders = channel.topic(unique("orders"), durable: true)
  passing_on = channel.fanout(unique("copies")) # gone with the broker
  passing_on.bind(orders, routing_key: "kept.#")
  kept = [DURABLE, QUORUM].map do |options|
    channel.queue(unique("kept"), options).bind(orders, routing_key: "kept.#")
  end
  named = channel.queue(unique("mine"), exclusive: true).bind(passing_on)
  unnamed = channel.queue("", exclusive: true).bind(passing_on)
  # nobody consumes these: what is in them was kept by the broker
  stores = [DURABLE, QUORUM].map do |options|
    channel.queue(unique("store"), options).bind(orders, routing_key: "#")
  end
  inboxes = [*kept, named, unnamed].map { |queue| consume(queue) }
  # to publish by the other channel, the one with confirms
  sender = publisher.topic(orders.name, durable: true)

  old_name = unnamed.name
  send_and_await(publisher, sender, inboxes, "before")
  control_broker("kill")
  recovered.take(1)
  holds(unnamed.name != old_name, "the broker has made up another name")
  send_and_await(publisher, sender, inboxes, "after")
  stores.each { |queue| equal(drain(queue), %w[before after]) }

  [*kept, *stores].each(&:delete)
  orders.delete
  passing_on.delete
  connection.close
end

def send_and_await(channel, exchange, inboxes, body)
  exchange.publish(body, routing_key: "kept.order", persistent: true)
  holds(channel.wait_for_confirms, "a confirm of what is sent #{body}")
  # what came last may come again: that it was delivered need not be on disk by the broker's end
  inboxes.each { |inbox| nil until inbox.take(1)[0].body == body }
end

main
