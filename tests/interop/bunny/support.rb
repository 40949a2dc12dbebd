# frozen_string_literal: true

# What the bunny programs share: where the broker is, fresh names, workers, waiting, comparing.

require "bunny"
require "net/http"
require "rbconfig"
require "securerandom"
require "timeout"

PORT = Integer(ENV.fetch("AMQP_PORT"))

# Seconds after which something that should have come has not.
PATIENCE = 60

# The queues of the tutorials, as they were and as they are today.
CLASSIC = { durable: false }.freeze
DURABLE = { durable: true }.freeze
QUORUM = { durable: true, arguments: { "x-queue-type" => "quorum" } }.freeze

Message = Struct.new(:info, :properties, :body)

class Failure < StandardError
end

# Connects as guest; closes at the end of the block when there is one.
def connect(**options)
  patience = { connection_timeout: PATIENCE, read_timeout: PATIENCE, write_timeout: PATIENCE }
  connection = Bunny.new(
    host: "127.0.0.1",
    port: PORT,
    log_file: $stderr,
    continuation_timeout: PATIENCE * 1000,
    **patience,
    **options
  )
  connection.start
  return connection unless block_given?

  begin
    yield connection
  ensure
    connection.close
  end
end

# A channel whose consumers fail this program when they fail.
def open_channel(connection)
  # whoever cancels waits for its consumer's thread, and may just miss that it has ended: then not
  # for a minute
  channel = connection.create_channel(nil, 1, false, 1)
  channel.on_uncaught_exception { |error| Thread.main.raise(error) }
  channel
end

# A name that no other run uses.
def unique(name)
  "#{name}-#{SecureRandom.hex(4)}"
end

# What comes on other threads.
class Inbox
  def initialize
    @items = Thread::Queue.new
  end

  def <<(item)
    @items << item
  end

  # Waits for so many.
  def take(count)
    taken = []
    Timeout.timeout(PATIENCE) { taken << @items.pop while taken.size < count }
    taken
  rescue Timeout::Error
    raise Failure, "#{taken.size} of #{count} came: #{taken.inspect}"
  end

  def empty?
    @items.empty?
  end
end

# Consumes a queue into an inbox.
def consume(queue, **options)
  inbox = Inbox.new
  queue.subscribe(options) { |*message| inbox << Message.new(*message) }
  inbox
end

# Consumes so many messages and no more.
def receive(queue, count, **options)
  inbox = Inbox.new
  consumer = queue.subscribe(options) { |*message| inbox << Message.new(*message) }
  messages = inbox.take(count)
  consumer.cancel
  messages
end

def bodies(messages)
  messages.map(&:body)
end

# Gets until the queue is empty.
def drain(queue)
  taken = []
  loop do
    info, _, body = queue.pop
    return taken if info.nil?

    taken << body
  end
end

def equal(actual, expected, what = "value")
  return if actual == expected

  raise Failure, "#{what}: expected #{expected.inspect}, got #{actual.inspect}"
end

def holds(value, what)
  raise Failure, "#{what} does not hold" unless value
end

# Runs the block and gives the exception that it must raise.
def raises(*kinds)
  yield
rescue *kinds => e
  e
else
  raise Failure, "#{kinds.join(" or ")} was not raised"
end

# Has the broker ended and started again: `restart` in an orderly way, `kill` without.
def control_broker(action)
  url = URI(ENV.fetch("INTEROP_CONTROL_URL") + action)
  patience = { open_timeout: PATIENCE, read_timeout: 5 * PATIENCE }
  answer = Net::HTTP.start(url.host, url.port, **patience) { |http| http.post(url.path, "") }
  equal(answer.code, "204", action)
end

# This program again, in a process of its own and in another role.
class Worker
  def initialize(role, *arguments)
    @output = IO.popen([RbConfig.ruby, $PROGRAM_NAME, role, *arguments])
    return unless block_given?

    begin
      yield self
    ensure
      kill
    end
  end

  # The next line that it prints.
  def line
    @output.gets&.chomp || raise(Failure, "the worker has ended")
  end

  def lines(count)
    Array.new(count) { line }
  end

  # Ends it at once, with no chance to close anything.
  def kill
    return if @output.closed?

    Process.kill("KILL", @output.pid)
    @output.close
  end
end

# Prints a line for the parent to read.
def say(line)
  $stdout.puts(line)
  $stdout.flush
end

# Plays the role that the command line names; the main one when it names none.
def play(**roles)
  role, *arguments = ARGV
  roles.fetch((role || "main").to_sym).call(*arguments)
end
