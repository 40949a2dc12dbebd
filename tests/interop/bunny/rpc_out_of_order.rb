# frozen_string_literal: true

# RPC with many calls at once, whose replies come in another order, also through direct reply-to.

require_relative "support"

COUNT = 20

def main
  connect do |serving|
    connect do |calling|
      server = open_channel(serving)
      requests = server.queue("", exclusive: true)
      inbox = consume(requests)

      channel = open_channel(calling)
      # the default exchange may publish to an exclusive queue, of which the owner alone consumes
      call(channel, requests.name, channel.queue("", exclusive: true), server, inbox)
      direct = channel.queue("amq.rabbitmq.reply-to", no_declare: true)
      addresses = call(channel, requests.name, direct, server, inbox)
      holds(addresses.all? { |address| address.start_with?("amq.rabbitmq.reply-to.") }, addresses)
    end
  end
end

def call(channel, name, replies_to, server, inbox)
  replies = consume(replies_to)
  ids = Array.new(COUNT) { SecureRandom.uuid }
  ids.each_with_index do |id, number|
    message = { routing_key: name, reply_to: replies_to.name, correlation_id: id }
    channel.default_exchange.publish(number.to_s, message)
  end
  requests = inbox.take(COUNT)
  requests.reverse_each do |request|
    server.default_exchange.publish(
      (request.body.to_i**2).to_s,
      routing_key: request.properties.reply_to,
      correlation_id: request.properties.correlation_id
    )
  end
  answers = replies.take(COUNT)
  equal(answers.map { |answer| answer.properties.correlation_id }, ids.reverse)
  by_id = answers.to_h { |answer| [answer.properties.correlation_id, answer.body.to_i] }
  equal(ids.map { |id| by_id[id] }, (0...COUNT).map { |number| number**2 })
  requests.map { |request| request.properties.reply_to }.uniq
end

main
