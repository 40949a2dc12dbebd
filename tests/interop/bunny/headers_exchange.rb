# frozen_string_literal: true

# A headers exchange looks at the table of headers and not at the routing key.

require_relative "support"

NOON = Time.utc(2024, 2, 29, 12)

# Arguments of a binding, and which of MESSAGES match.
BINDINGS = [
  [{ "x-match" => "all", "format" => "pdf", "type" => "report" }, %w[report]],
  [{ "x-match" => "any", "format" => "pdf", "type" => "log" }, %w[report letter log]],
  [{ "format" => "pdf" }, %w[report letter]],
  [{ "x-match" => "all", "pages" => 3 }, %w[report]],
  [{ "x-match" => "all", "pages" => 2**40 }, %w[log]],
  [{ "x-match" => "all", "weight" => 2.5 }, %w[report]],
  [{ "x-match" => "all", "signed" => true }, %w[letter]],
  [{ "x-match" => "all", "signed" => nil }, %w[letter]],
  [{ "x-match" => "all", "at" => NOON }, %w[log]],
  [{ "x-match" => "all", "tags" => %w[a b] }, %w[log]],
  [{ "x-match" => "all", "tags" => %w[b a] }, []],
  [{ "x-match" => "all", "by" => { "name" => "Ann" } }, %w[letter]],
  [{ "x-match" => "all", "pages" => "3" }, []],
  [{ "x-match" => "all" }, %w[report letter log plain]],
  [{ "x-match" => "any" }, []]
].freeze

MESSAGES = {
  "report" => { "format" => "pdf", "type" => "report", "pages" => 3, "weight" => 2.5 },
  "letter" => {
    "format" => "pdf",
    "type" => "letter",
    "pages" => 1,
    "signed" => true,
    "by" => { "name" => "Ann" }
  },
  "log" => {
    "format" => "text", "type" => "log", "pages" => 2**40, "at" => NOON, "tags" => %w[a b]
  },
  "plain" => nil
}.freeze

def main
  connect do |connection|
    channel = open_channel(connection)
    exchange = channel.headers(unique("documents"))
    queues = BINDINGS.map do |arguments, _|
      channel.queue("", exclusive: true).bind(exchange, arguments: arguments)
    end
    MESSAGES.each do |name, headers|
      exchange.publish(name, headers.nil? ? {} : { headers: headers })
    end
    queues.zip(BINDINGS) { |queue, (arguments, names)| equal(drain(queue), names, arguments) }
    queues[0].unbind(exchange, arguments: BINDINGS[0][0])
    exchange.publish("report", headers: MESSAGES["report"])
    equal(drain(queues[0]), [], "no binding any more")
    equal(drain(queues[2]), %w[report])
    exchange.delete
  end
end

main
