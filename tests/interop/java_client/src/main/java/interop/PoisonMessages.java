package interop;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.MessageProperties;
import interop.support.Support;
import interop.support.Support.Inbox;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A quorum queue gives up on a message that came back too often, and others are not held up by it. */
public final class PoisonMessages {
  private static final int LIMIT = 3;

  public static void main(String[] args) throws Exception {
    String queue = Support.unique("work");
    String graveyard = Support.unique("graveyard");
    try (Connection connection = Support.connect()) {
      Channel channel = connection.createChannel();
      channel.queueDeclare(graveyard, true, false, false, Map.of("x-queue-type", "quorum"));
      channel.queueDeclare(
          queue,
          true,
          false,
          false,
          Map.of(
              "x-queue-type", "quorum",
              "x-delivery-limit", LIMIT,
              "x-dead-letter-exchange", "",
              "x-dead-letter-routing-key", graveyard));
      channel.confirmSelect();
      for (String body : new String[] {"good", "poison", "better"}) {
        channel.basicPublish("", queue, MessageProperties.PERSISTENT_BASIC, Support.bytes(body));
      }
      channel.waitForConfirmsOrDie(Support.PATIENCE.toMillis());

      Inbox dead = new Inbox(channel, graveyard, false);
      List<Object> counts = work(connection, queue);
      List<Object> expected = new ArrayList<>();
      expected.add("first");
      for (long count = 1; count <= LIMIT; count++) {
        expected.add(count);
      }
      Support.equal("delivery counts of the poison", counts, expected);

      Delivery buried = dead.ackNext("poison");
      checkHistory(buried.getProperties().getHeaders(), queue);
      Support.equal("left", channel.queueDelete(queue).getMessageCount(), 0);
      Support.equal("left in the graveyard", channel.queueDelete(graveyard).getMessageCount(), 0);
    }
    System.out.println("given up on after " + (1 + LIMIT) + " deliveries");
  }

  /** Returns the delivery counts with which the poison came: by a consumer, by get, and by crashes. */
  private static List<Object> work(Connection connection, String queue) throws Exception {
    List<Object> counts = new ArrayList<>();
    Channel channel = connection.createChannel();
    channel.basicQos(1);
    Inbox inbox = new Inbox(channel, queue, false);
    inbox.ackNext("good");
    Delivery poison = inbox.next();
    counts.add(count(poison.getProperties().getHeaders()));
    channel.close(); // it is lost with its worker

    Channel next = connection.createChannel();
    // quorum queues return what a channel held in their own time
    GetResponse got = get(next, queue, "poison");
    counts.add(count(got.getProps().getHeaders()));
    next.basicNack(got.getEnvelope().getDeliveryTag(), false, true);
    got = get(next, queue, "poison");
    counts.add(count(got.getProps().getHeaders()));
    next.basicReject(got.getEnvelope().getDeliveryTag(), true);

    next.basicQos(1);
    Inbox again = new Inbox(next, queue, false);
    while (true) {
      Delivery delivery = again.next();
      long tag = delivery.getEnvelope().getDeliveryTag();
      if (Support.text(delivery).equals("better")) {
        next.basicAck(tag, false);
        next.close();
        return counts;
      }
      counts.add(count(delivery.getProperties().getHeaders()));
      next.basicNack(tag, false, true);
    }
  }

  private static Object count(Map<String, Object> headers) {
    return headers == null ? "first" : headers.getOrDefault("x-delivery-count", "first");
  }

  private static GetResponse get(Channel channel, String queue, String body) throws Exception {
    long deadline = System.nanoTime() + Support.PATIENCE.toNanos();
    while (System.nanoTime() < deadline) {
      GetResponse got = channel.basicGet(queue, false);
      if (got != null) {
        Support.equal("got", new String(got.getBody()), body);
        return got;
      }
      Thread.sleep(10);
    }
    throw new AssertionError("the queue stays empty");
  }

  private static void checkHistory(Map<String, Object> headers, String queue) {
    Support.equal("reason", headers.get("x-first-death-reason").toString(), "delivery_limit");
    Support.equal("queue", headers.get("x-first-death-queue").toString(), queue);
    List<?> deaths = (List<?>) headers.get("x-death");
    Support.equal("deaths", deaths.size(), 1);
    Map<?, ?> death = (Map<?, ?>) deaths.get(0);
    Support.equal("count", death.get("count"), 1L);
    Support.equal("reason", death.get("reason").toString(), "delivery_limit");
    Support.equal("keys", death.get("routing-keys").toString(), "[" + queue + "]");
  }
}
