package interop;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.MessageProperties;
import interop.support.Support;
import interop.support.Support.Inbox;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** One of several workers is at work; when it goes or dies, another one takes over, in order. */
public final class SingleActiveConsumer {
  public static void main(String[] args) throws Exception {
    for (String type : new String[] {"classic", "quorum"}) {
      run(type);
    }
    System.out.println("one at a time, in the order in which they came");
  }

  /** A consumer with a connection of its own. */
  private record Worker(Connection connection, Channel channel, Inbox inbox) {
    static Worker start(String queue) throws Exception {
      Connection connection = Support.connect();
      Channel channel = connection.createChannel();
      channel.basicQos(1);
      return new Worker(connection, channel, new Inbox(channel, queue, false));
    }
  }

  private static void run(String type) throws Exception {
    try (Connection connection = Support.connect()) {
      Channel publisher = connection.createChannel();
      String queue = Support.unique(type);
      Map<String, Object> arguments =
          Map.of("x-queue-type", type, "x-single-active-consumer", true);
      publisher.queueDeclare(queue, true, false, false, arguments);
      Worker first = Worker.start(queue);
      List<Worker> waiting = new ArrayList<>();
      try {
        waiting.add(Worker.start(queue));
        waiting.add(Worker.start(queue));
        takeOver(publisher, queue, first, waiting);
      } finally {
        first.connection().abort();
        for (Worker worker : waiting) {
          worker.connection().abort();
        }
      }
      Support.equal("left", publisher.queueDelete(queue).getMessageCount(), 0);
    }
  }

  private static void takeOver(
      Channel publisher, String queue, Worker first, List<Worker> waiting) throws Exception {
    publish(publisher, queue, "1", "2", "3", "4");
    first.inbox().ackNext("1");
    Support.equal("the first", Support.text(first.inbox().next()), "2");
    for (Worker worker : waiting) {
      Support.equal("idle", worker.inbox().size(), 0);
    }
    first.connection().abort(); // with "2" in its hands

    Worker second = whoHasWork(waiting);
    Worker third = waiting.get(1 - waiting.indexOf(second));
    Support.check("redelivered", second.inbox().ackNext("2").getEnvelope().isRedeliver());
    Delivery last = second.inbox().next();
    Support.equal("the second", Support.text(last), "3");
    Support.equal("the third", third.inbox().size(), 0);
    second.channel().basicCancel(second.inbox().tag());
    // what it has is still its own; it gives it back
    second.channel().basicNack(last.getEnvelope().getDeliveryTag(), false, true);
    List<String> rest = new ArrayList<>();
    while (rest.size() < 2) { // the third may have begun with the next one meanwhile
      Delivery delivery = third.inbox().next();
      rest.add(Support.text(delivery));
      third.channel().basicAck(delivery.getEnvelope().getDeliveryTag(), false);
    }
    rest.sort(null);
    Support.equal("the third", rest, List.of("3", "4"));
    third.channel().close(); // what was acked is acked after this
  }

  /** Which of them comes next is the broker's choice. */
  private static Worker whoHasWork(List<Worker> workers) throws InterruptedException {
    long deadline = System.nanoTime() + Support.PATIENCE.toNanos();
    while (System.nanoTime() < deadline) {
      for (Worker worker : workers) {
        if (worker.inbox().size() > 0) {
          return worker;
        }
      }
      Thread.sleep(5);
    }
    throw new AssertionError("nobody took over");
  }

  private static void publish(Channel channel, String queue, String... bodies) throws Exception {
    channel.confirmSelect();
    for (String body : bodies) {
      channel.basicPublish("", queue, MessageProperties.PERSISTENT_BASIC, Support.bytes(body));
    }
    channel.waitForConfirmsOrDie(Support.PATIENCE.toMillis());
  }
}
