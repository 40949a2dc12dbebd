# frozen_string_literal: true

# A secret that is renewed while the connection lives, and what both ends say of themselves.

require_relative "support"

def main
  connect(connection_name: "renewing", properties: { product: "interop" }) do |connection|
    queue = open_channel(connection).queue("", exclusive: true)
    answer = connection.update_secret("guest", "it is time")
    equal(answer.class, AMQ::Protocol::Connection::UpdateSecretOk)
    queue.publish("as before")
    equal(queue.pop[2], "as before")
    capabilities = connection.server_capabilities
    %w[
      publisher_confirms exchange_exchange_bindings basic.nack consumer_cancel_notify
      connection.blocked consumer_priorities authentication_failure_close per_consumer_qos
      direct_reply_to
    ].each { |name| equal(capabilities[name], true, name) }
    equal(connection.blocked?, false)
    holds(connection.server_authentication_mechanisms.include?("PLAIN"), "PLAIN")
    equal(connection.channel_max, 2047)
  end
end

main
