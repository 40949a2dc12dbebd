# frozen_string_literal: true

# Topics: patterns of words.

require_relative "support"

# Patterns of a queue, and which of KEYS reach it.
PATTERNS = {
  ["#"] => [0, 1, 2, 3, 4, 5, 6],
  ["kern.*"] => [0, 1],
  ["*.critical"] => [0, 3],
  ["kern.*", "*.critical"] => [0, 1, 3],
  ["#.critical"] => [0, 3, 4, 5],
  ["kern.#"] => [0, 1, 4],
  ["kern.#.critical"] => [0, 4],
  ["*"] => [5],
  [""] => [6],
  ["*.*.*"] => [2, 4],
  ["kernel.#"] => []
}.freeze

KEYS = [
  "kern.critical", "kern.info", "a.b.info", "cron.critical", "kern.disk.critical", "critical", ""
].freeze

def main
  connect do |connection|
    channel = open_channel(connection)
    exchange = channel.topic(unique("topic_logs"))
    queues = PATTERNS.keys.map do |patterns|
      queue = channel.queue("", exclusive: true)
      patterns.each { |pattern| queue.bind(exchange, routing_key: pattern) }
      queue
    end
    KEYS.each { |key| exchange.publish(key, routing_key: key) }
    queues.zip(PATTERNS) do |queue, (patterns, indexes)|
      equal(drain(queue), KEYS.values_at(*indexes), patterns.join(" and "))
    end
    exchange.delete
  end
end

main
