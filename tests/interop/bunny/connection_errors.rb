# frozen_string_literal: true

# Logins that are refused, and hard errors, which close the whole connection.

require_relative "support"

# They are what is asked for.
QUIET = {
  log_level: :fatal, automatically_recover: false, recover_from_connection_close: false
}.freeze

# What bunny raises, what the broker says, and what leads to it.
CASES = [
  [
    Bunny::FrameError,
    /FRAME_ERROR - type 3, .*: {frame_too_large,5000,4088}/m,
    ->(channel) { send_and_wait(channel, AMQ::Protocol::BodyFrame.new("x" * 5000, channel.id)) }
  ],
  [
    Bunny::NotAllowedError,
    /NOT_ALLOWED - attempt to reuse consumer tag 'twice'/,
    lambda do |channel|
      queue = channel.queue("", exclusive: true)
      2.times { queue.subscribe(consumer_tag: "twice") {} }
    end
  ],
  [
    Bunny::ChannelError,
    /CHANNEL_ERROR - expected 'channel.open'/,
    ->(channel) { send_and_wait(channel, AMQ::Protocol::Basic::Qos.encode(77, 0, 1, false)) }
  ],
  [
    Bunny::ChannelError,
    /CHANNEL_ERROR - second 'channel.open' seen/,
    ->(channel) { send_and_wait(channel, AMQ::Protocol::Channel::Open.encode(channel.id, "")) }
  ],
  [
    Bunny::UnexpectedFrame,
    /UNEXPECTED_FRAME - expected method frame, got non method frame instead/,
    ->(channel) { send_and_wait(channel, AMQ::Protocol::BodyFrame.new("lost", channel.id)) }
  ]
].freeze

def main
  raises(Bunny::AuthenticationFailureError) { connect(password: "wrong", **QUIET) }
  vhost = unique("nowhere")
  error = raises(Bunny::NotAllowedError) { connect(vhost: vhost, **QUIET) }
  holds(error.message.include?("NOT_ALLOWED - vhost #{vhost} not found"), error.message)

  CASES.each do |kind, text, action|
    connection = connect(frame_max: 4096, **QUIET)
    channel = open_channel(connection)
    other = open_channel(connection)
    error = raises(kind) { action.call(channel) }
    holds(text.match?(error.message), "#{text.inspect} in #{error.message}")
    raises(Bunny::Exception) { other.queue("", exclusive: true) }
    equal(connection.open?, false)
  end
end

# Bunny raises what the broker says in the thread that has made the connection.
def send_and_wait(channel, frame)
  channel.connection.send_frame(frame)
  sleep(PATIENCE)
end

main
