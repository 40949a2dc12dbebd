# frozen_string_literal: true

# A broker that is short of memory tells who publishes, and takes what was published once it is not.

require_relative "support"

def main
  connect do |connection|
    news = Inbox.new
    connection.on_blocked { |blocked| news << [:blocked, blocked.reason] }
    connection.on_unblocked { news << :unblocked }
    channel = open_channel(connection)
    channel.confirm_select
    queue = channel.queue("", exclusive: true)
    inbox = consume(queue)
    queue.publish("before")
    holds(channel.wait_for_confirms, "a confirm")

    control_broker("block")
    begin
      # who does not publish is in nobody's way, and may not hear of it
      queue.publish("meanwhile")
      (kind, reason), = news.take(1)
      equal([kind, reason], [:blocked, "low on memory"])
      equal(connection.blocked?, true)
      equal(bodies(inbox.take(1)), ["before"])
      connect { |other| equal(open_channel(other).queue("", exclusive: true).message_count, 0) }
    ensure
      control_broker("unblock")
    end
    equal(news.take(1), [:unblocked])
    equal(connection.blocked?, false)
    holds(channel.wait_for_confirms, "a confirm of what had to wait")
    equal(bodies(inbox.take(1)), ["meanwhile"])
  end
end

main
