# frozen_string_literal: true

# Every type that bunny can put into a table, and every property, come back as they went.
# Lists and tables end with a long text: bunny overlooks shorter values there.

require "bigdecimal"
require_relative "support"

HEADERS = {
  "text" => "hello",
  "unicode" => "grüße, 世界 \u{1f407}",
  "empty text" => "",
  "long text" => "x" * 10_000,
  "bytes" => "\x00\xff\xfe".b,
  "true" => true,
  "false" => false,
  "zero" => 0,
  "negative" => -1,
  "int32 max" => 2**31 - 1,
  "above int32" => 2**31,
  "below int32" => -(2**31) - 1,
  "above double" => 2**53 + 1,
  "int64 max" => 2**63 - 1,
  "int64 min" => -(2**63),
  "double" => 3.141592653589793,
  "tiny double" => Float::MIN / 4,
  "huge double" => -Float::MAX,
  "whole double" => 2.0,
  "decimal" => BigDecimal("7"),
  "large decimal" => BigDecimal("4294967295"),
  "time" => Time.utc(2024, 2, 29, 12, 30, 15),
  "epoch" => Time.at(0),
  "far time" => Time.at(2**40),
  "nothing" => nil,
  "list" => ["a", 1, 2**40, true, nil, 1.5, ["nested", [], "to its end"], { "in" => "it" }, "end"],
  "times" => [Time.at(1), Time.at(2)],
  "empty list" => [],
  "table" => {
    "a" => { "b" => { "c" => [1, { "deep" => "down" }, "the end"] } }, "void" => nil, "z" => "end"
  },
  "empty table" => {},
  "" => "an empty name",
  "n" * 255 => "a long name"
}.freeze

PROPERTIES = {
  content_type: "application/json",
  content_encoding: "gzip",
  headers: HEADERS,
  delivery_mode: 2,
  priority: 9,
  correlation_id: "c" * 255,
  reply_to: "somewhere",
  expiration: "60000",
  message_id: "an id",
  timestamp: 1_700_000_000,
  type: "a type",
  user_id: "guest",
  app_id: "interop",
  cluster_id: "a cluster"
}.freeze

# What bunny adds to each message.
ADDED = { content_type: "application/octet-stream", delivery_mode: 2, priority: 0 }.freeze

def main
  connect do |connection|
    [CLASSIC, QUORUM].each { |kind| carry(connection, kind) }
    small_floats(connection)
  end
end

def carry(connection, kind)
  channel = open_channel(connection)
  arguments = { "x-unknown" => HEADERS, "unknown to everybody" => [1, "two to the end"] }
  arguments = kind.fetch(:arguments, {}).merge(arguments)
  queue = channel.queue(unique("tables"), **kind, arguments: arguments)
  equal(channel.queue_declare(queue.name, **kind, arguments: arguments).queue, queue.name)
  PROPERTIES.each { |name, value| queue.publish(name.to_s, name => value) }
  # by name: a quorum queue may have the one with a priority go first
  messages = receive(queue, PROPERTIES.size).to_h { |message| [message.body, message] }
  PROPERTIES.each do |name, value|
    message = messages.fetch(name.to_s)
    equal(plain(message.properties.to_hash), plain(ADDED.merge(name => value)), name)
  end
  # without an answer to wait for, a get might be too early
  publish_confirmed(connection, queue, "all", PROPERTIES)
  info, properties, body = queue.pop
  equal([info.nil?, body], [false, "all"])
  properties.to_hash.fetch(:headers).delete("x-delivery-count")
  equal(plain(properties.to_hash), plain(PROPERTIES))
  queue.delete
end

def publish_confirmed(connection, queue, body, properties)
  channel = open_channel(connection)
  channel.confirm_select
  channel.default_exchange.publish(body, properties.merge(routing_key: queue.name))
  holds(channel.wait_for_confirms, "a confirm")
end

# Bunny packs them in this machine's order of bytes, and their numbers are odd ones to the broker.
def small_floats(connection)
  queue = open_channel(connection).queue("", exclusive: true)
  values = [1.5, 0.1, -1000.25, 3.0e38]
  headers = values.to_h { |value| ["f#{value}", AMQ::Protocol::Float32Bit.new(value)] }
  queue.publish("floats", headers: headers.merge("end" => "of it"))
  _, properties, = queue.pop
  values.each do |value|
    equal(properties.headers["f#{value}"], [value].pack("f").unpack1("f"))
  end
end

# Texts are bytes once they have come, and times have no zone.
def plain(value)
  case value
  when String then value.b
  when Symbol then value.to_s
  when Time then [:time, value.to_i]
  when Array then value.map { |item| plain(item) }
  when Hash
    value.to_h { |name, item| [plain(name), name == :timestamp ? item.to_i : plain(item)] }
  else [value.class, value]
  end
end

main
