package interop;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.ConfirmListener;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.MessageProperties;
import interop.support.Support;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/** Publisher confirms, one by one and many at once; refusals by a full queue; returns. */
public final class PublisherConfirms {
  private static final int MESSAGES = 2000;
  private static final int ROOM = 5;

  public static void main(String[] args) throws Exception {
    try (Connection connection = Support.connect()) {
      publishWithoutWaiting(connection.createChannel());
      publishIntoFullQueue(connection.createChannel());
      publishToNobody(connection.createChannel());
    }
    System.out.println(MESSAGES + " confirmed, refused and returned as they should be");
  }

  /** Keeps account of what is outstanding, as the tutorial does. */
  private static final class Outstanding implements ConfirmListener {
    final ConcurrentNavigableMap<Long, String> bodies = new ConcurrentSkipListMap<>();
    final List<String> refused = new CopyOnWriteArrayList<>();
    private final CountDownLatch settled;

    Outstanding(int count) {
      settled = new CountDownLatch(count);
    }

    @Override
    public void handleAck(long tag, boolean multiple) {
      settle(tag, multiple);
    }

    @Override
    public void handleNack(long tag, boolean multiple) {
      refused.addAll(settle(tag, multiple).values());
    }

    private Map<Long, String> settle(long tag, boolean multiple) {
      ConcurrentNavigableMap<Long, String> range =
          multiple ? bodies.headMap(tag, true) : bodies.subMap(tag, true, tag, true);
      Map<Long, String> removed = Map.copyOf(range);
      if (removed.isEmpty()) {
        refused.add("confirmed twice, or never published: " + tag);
      }
      range.clear();
      removed.forEach((each, body) -> settled.countDown());
      return removed;
    }
  }

  private static void publishWithoutWaiting(Channel channel) throws Exception {
    String queue = Support.unique("events");
    channel.queueDeclare(queue, true, false, false, null);
    channel.confirmSelect();
    Outstanding outstanding = new Outstanding(MESSAGES);
    channel.addConfirmListener(outstanding);
    for (int number = 0; number < MESSAGES; number++) {
      String body = "event " + number;
      outstanding.bodies.put(channel.getNextPublishSeqNo(), body);
      channel.basicPublish("", queue, MessageProperties.PERSISTENT_TEXT_PLAIN, Support.bytes(body));
    }
    Support.await("all confirms", outstanding.settled);
    Support.check("none is left", outstanding.bodies.isEmpty());
    Support.equal("refused", outstanding.refused, List.of());
    Support.equal("in the queue", (int) channel.messageCount(queue), MESSAGES);
    channel.queueDelete(queue);
  }

  private static void publishIntoFullQueue(Channel channel) throws Exception {
    String queue = Support.unique("full");
    Map<String, Object> arguments = Map.of("x-max-length", ROOM, "x-overflow", "reject-publish");
    channel.queueDeclare(queue, false, true, false, arguments);
    channel.confirmSelect();
    Outstanding outstanding = new Outstanding(ROOM + 3);
    channel.addConfirmListener(outstanding);
    for (int number = 0; number < ROOM + 3; number++) {
      outstanding.bodies.put(channel.getNextPublishSeqNo(), "" + number);
      channel.basicPublish("", queue, MessageProperties.BASIC, Support.bytes("" + number));
      boolean taken = channel.waitForConfirms(Support.PATIENCE.toMillis());
      Support.equal("message " + number + " is taken", taken, number < ROOM);
    }
    Support.await("all confirms", outstanding.settled);
    Support.equal("refused", outstanding.refused, List.of("5", "6", "7"));
    Support.equal("in the queue", (int) channel.messageCount(queue), ROOM);
  }

  private static void publishToNobody(Channel channel) throws Exception {
    List<String> happened = new CopyOnWriteArrayList<>();
    CountDownLatch confirmed = new CountDownLatch(1);
    channel.addReturnListener(
        returned -> {
          String what = returned.getReplyCode() + " " + returned.getReplyText();
          happened.add("returned, " + what + ": " + returned.getProperties().getMessageId());
        });
    channel.addConfirmListener(
        (tag, multiple) -> {
          happened.add("confirmed " + tag);
          confirmed.countDown();
        },
        (tag, multiple) -> happened.add("refused " + tag));
    channel.confirmSelect();
    var properties = MessageProperties.MINIMAL_BASIC.builder().messageId("lost").build();
    channel.basicPublish("amq.direct", Support.unique("nobody"), true, properties, new byte[0]);
    Support.await("the confirm", confirmed);
    Support.equal("order", happened, List.of("returned, 312 NO_ROUTE: lost", "confirmed 1"));
  }
}
