# frozen_string_literal: true

# Heartbeats: a connection with nothing to say stays open on both sides.

require_relative "support"

def main
  connect(heartbeat: 2, automatically_recover: false) do |connection|
    equal(connection.heartbeat, 2)
    queue = open_channel(connection).queue("", exclusive: true)
    # the broker gives up after 4 s without a word, and bunny after 4.4 s
    sleep(5)
    equal(connection.open?, true, "open")
    queue.publish("still here")
    equal(queue.pop[2], "still here")
  end
  connect(heartbeat: 0) { |connection| equal(connection.heartbeat, 0) }
end

main
