package interop;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.MessageProperties;
import interop.support.Support;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Who has the highest priority gets everything, as long as there is room; then comes the next one. */
public final class ConsumerPriorities {
  private record Got(String who, Delivery delivery) {}

  private static final BlockingQueue<Got> got = new LinkedBlockingQueue<>();

  public static void main(String[] args) throws Exception {
    try (Connection connection = Support.connect()) {
      Channel publisher = connection.createChannel();
      String queue = publisher.queueDeclare().getQueue();
      Channel low = consume(connection, queue, "low", -5, 2);
      consume(connection, queue, "usual", null, 2);
      Channel high = consume(connection, queue, "high", 10, 3);

      List<Got> first = publish(publisher, queue, 0, 7);
      Support.equal("who", who(first), List.of("high", "high", "high", "usual", "usual", "low", "low"));
      // all are full now; who makes room is next, whatever its priority
      publish(publisher, queue, 7, 0);
      ack(low, first.get(6));
      Support.equal("who makes room", who(take(1)), List.of("low"));

      // the one with priority goes, and what it held goes to the front of the queue
      high.close();
      publisher.queueDeclarePassive(queue);
      ack(low, first.get(5));
      Got next = take(1).get(0);
      Support.equal("who is left", next.who(), "low");
      Support.equal("what", Support.text(next.delivery()), "0");
      Support.check("redelivered", next.delivery().getEnvelope().isRedeliver());
    }
    System.out.println("delivered by priority");
  }

  private static Channel consume(
      Connection connection, String queue, String who, Integer priority, int prefetch)
      throws Exception {
    Channel channel = connection.createChannel();
    channel.basicQos(prefetch);
    channel.basicConsume(
        queue,
        false,
        priority == null ? Map.of() : Map.of("x-priority", priority),
        (tag, delivery) -> got.add(new Got(who, delivery)),
        tag -> {});
    return channel;
  }

  /** Publishes some messages, and one more that waits; returns who got the others. */
  private static List<Got> publish(Channel channel, String queue, int from, int count)
      throws Exception {
    int until = count == 0 ? from + 1 : from + count;
    for (int number = from; number < until; number++) {
      channel.basicPublish("", queue, MessageProperties.BASIC, Support.bytes("" + number));
    }
    return take(count);
  }

  private static List<Got> take(int count) throws InterruptedException {
    List<Got> taken = new ArrayList<>();
    while (taken.size() < count) {
      Got next = got.poll(Support.PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      Support.check("delivery " + taken.size(), next != null);
      taken.add(next);
    }
    // by number, since each channel has a thread of its own
    taken.sort((a, b) -> Support.text(a.delivery()).compareTo(Support.text(b.delivery())));
    return taken;
  }

  private static List<String> who(List<Got> deliveries) {
    return deliveries.stream().map(Got::who).toList();
  }

  private static void ack(Channel channel, Got got) throws Exception {
    channel.basicAck(got.delivery().getEnvelope().getDeliveryTag(), false);
  }
}
