# frozen_string_literal: true

# TLS by Ruby's OpenSSL: certificates of both ends, right and wrong, and EXTERNAL.

require_relative "support"

TLS_PORT = Integer(ENV.fetch("AMQP_TLS_PORT"))
STRICT_PORT = ENV["AMQP_TLS_STRICT_PORT"]
CERTIFICATES = ENV.fetch("INTEROP_CERTIFICATES")

# How a connection may end that is refused: by TLS, or by the broker that closes it.
REFUSED = [
  OpenSSL::SSL::SSLError, SystemCallError, Bunny::Exception, AMQ::Protocol::EmptyResponseError
].freeze

def connect_tls(client: nil, authority: "ca", port: TLS_PORT, **options)
  own = {}
  unless client.nil?
    own = { tls_cert: "#{CERTIFICATES}/#{client}.pem", tls_key: "#{CERTIFICATES}/#{client}.key" }
  end
  connect(
    host: "localhost",
    port: port.to_i,
    tls: true,
    tls_ca_certificates: ["#{CERTIFICATES}/#{authority}.pem"],
    verify_peer: true,
    log_level: :fatal,
    automatically_recover: false,
    **own,
    **options
  )
end

def main
  exchange_messages(connect_tls, "TLSv1.2") # which is bunny's own choice
  exchange_messages(connect_tls(tls_protocol: :SSLv23), "TLSv1.3") # any that both have

  # our certificate is asked for, and one that is wrong keeps us out
  exchange_messages(connect_tls(client: "ann"))
  %w[stranger late].each { |client| raises(*REFUSED) { connect_tls(client: client) } }

  # theirs is looked at
  error = raises(OpenSSL::SSL::SSLError) { connect_tls(authority: "other-ca") }
  holds(error.message.include?("certificate verify failed"), error.message)

  # the certificate says who logs in
  exchange_messages(connect_tls(client: "guest", auth_mechanism: "EXTERNAL"))
  [nil, "ann"].each do |client| # there is no such user
    raises(*REFUSED) { connect_tls(client: client, auth_mechanism: "EXTERNAL") }
  end

  return if STRICT_PORT.nil?

  raises(*REFUSED) { connect_tls(port: STRICT_PORT) }
  exchange_messages(connect_tls(client: "guest", port: STRICT_PORT, auth_mechanism: "EXTERNAL"))
end

def exchange_messages(connection, version = nil)
  equal(connection.tls?, true)
  equal(connection.transport.socket.ssl_version, version) unless version.nil?
  channel = open_channel(connection)
  channel.confirm_select
  queue = channel.queue("", exclusive: true)
  parcels = ["", "hello", Random.bytes(20_000), Random.bytes(1_000_000)]
  parcels.each { |body| queue.publish(body) }
  holds(channel.wait_for_confirms, "all are confirmed")
  holds(bodies(receive(queue, parcels.size)).map(&:b) == parcels.map(&:b), "the bytes are the same")
  connection.close
end

main
