# frozen_string_literal: true

# An operator closes a connection: bunny comes back with what was its own, or says so.

require_relative "support"

def main
  come_back
  give_up
end

def come_back
  recovered = Inbox.new
  connect(network_recovery_interval: 0.1) do |connection|
    connection.after_recovery_completed { recovered << true }
    channel = open_channel(connection)
    channel.confirm_select
    channel.prefetch(1)
    queue = channel.queue(unique("mine"), exclusive: true)
    inbox = consume(queue, manual_ack: true)
    queue.publish("before")
    equal(bodies(inbox.take(1)), ["before"])
    equal(channel.wait_for_confirms, true)
    control_broker("disconnect")
    recovered.take(1)
    %w[after later].each do |body|
      queue.publish(body)
      # one by one: bunny miscounts a confirm of several once it has come back
      equal(channel.wait_for_confirms, true)
    end
    after = inbox.take(1)[0]
    equal([after.body, after.info.redelivered?], ["after", false])
    equal(queue.status, { message_count: 1, consumer_count: 1 }, "one at a time")
    channel.ack(after.info.delivery_tag)
    equal(bodies(inbox.take(1)), ["later"])
  end
end

def give_up
  connection = connect(log_level: :fatal, recover_from_connection_close: false)
  error = raises(Bunny::ConnectionForced) do
    control_broker("disconnect")
    sleep(PATIENCE) # bunny raises it here
  end
  holds(error.message.include?("CONNECTION_FORCED - enough"), error.message)
  equal(connection.open?, false)
end

main
