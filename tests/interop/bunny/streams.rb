# frozen_string_literal: true

# A stream: read from its first message, from an offset, from a time, and by two at once.

require_relative "support"

STREAM = { durable: true, arguments: { "x-queue-type" => "stream", "x-max-age" => "1D" } }.freeze
COUNT = 300

def main
  connect do |connection|
    publisher = open_channel(connection)
    publisher.confirm_select
    stream = publisher.queue(unique("events"), STREAM)
    publish(publisher, stream, 0...COUNT)

    equal(read(connection, stream, "first", COUNT), numbered(0...COUNT))
    equal(read(connection, stream, 250, 50), numbered(250...COUNT))
    equal(read(connection, stream, Time.now - 3600, COUNT), numbered(0...COUNT))
    equal(read(connection, stream, "1h", COUNT), numbered(0...COUNT))

    waiting = Array.new(2) { open(connection, stream, "next") }
    publish(publisher, stream, COUNT...COUNT + 30)
    waiting.each { |inbox| equal(take(inbox, 30), numbered(COUNT...COUNT + 30)) }
    error = raises(Bunny::PreconditionFailed) do
      open_channel(connection).queue(unique("events"), **STREAM, durable: false)
    end
    holds(error.message.include?("durable"), error.message)
    stream.delete
  end
end

def publish(channel, stream, numbers)
  numbers.each { |number| stream.publish(number.to_s) }
  holds(channel.wait_for_confirms, "all are confirmed")
end

# Consumes with little room at a time.
def open(connection, stream, offset)
  channel = open_channel(connection)
  channel.prefetch(20)
  inbox = Inbox.new
  channel.queue(stream.name, no_declare: true)
         .subscribe(manual_ack: true, arguments: { "x-stream-offset" => offset }) do |*message|
    inbox << Message.new(*message)
    channel.ack(message[0].delivery_tag)
  end
  inbox
end

def read(connection, stream, offset, count)
  take(open(connection, stream, offset), count)
end

# Pairs of an offset and a body.
def take(inbox, count)
  inbox.take(count).map { |message| [message.properties.headers["x-stream-offset"], message.body] }
end

def numbered(range)
  range.map { |number| [number, number.to_s] }
end

main
