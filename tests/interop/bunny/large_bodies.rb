# frozen_string_literal: true

# Bodies of all sizes, cut into frames for the publisher and again for each consumer.

require_relative "support"

FRAME_MAX = 131_072
SIZES = [
  0, 1, FRAME_MAX - 9, FRAME_MAX - 8, FRAME_MAX - 7, 2 * (FRAME_MAX - 8), 1 << 20, 3_000_001
].freeze

def main
  parcels = SIZES.map { |size| Random.new(size).bytes(size) }
  connect(frame_max: FRAME_MAX) do |wide|
    connect(frame_max: 4096) do |narrow|
      equal([wide.frame_max, narrow.frame_max], [FRAME_MAX, 4096])
      carry(wide, narrow, parcels)
      carry(narrow, wide, parcels)
      carry(wide, wide, parcels)
    end
  end
end

def carry(publisher, consumer, parcels)
  channel = open_channel(publisher)
  channel.confirm_select
  queue = channel.queue(unique("parcels"))
  parcels.each { |body| queue.publish(body) }
  holds(channel.wait_for_confirms, "all are confirmed")
  other = open_channel(consumer).queue(queue.name)
  taken = bodies(receive(other, parcels.size)).map(&:b)
  equal(taken.map(&:bytesize), SIZES)
  holds(taken == parcels, "the bytes are the same")
  queue.publish(parcels[-1])
  holds(channel.wait_for_confirms, "it is confirmed")
  holds(other.pop[2].b == parcels[-1], "the same by get")
  queue.delete
end

main
