package interop;

import static interop.support.Spring.check;
import static interop.support.Spring.equal;

import interop.support.Spring;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.springframework.amqp.AmqpException;
import org.springframework.amqp.core.Queue;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.connection.CorrelationData;
import org.springframework.amqp.rabbit.core.RabbitAdmin;
import org.springframework.amqp.rabbit.core.RabbitTemplate;

/** Each publish learns what became of it: confirmed, returned first, or on a channel that was closed. */
public final class ConfirmsAndReturns {
  private ConfirmsAndReturns() {}

  public static void main(String[] args) {
    Spring.run(ConfirmsAndReturns::run);
  }

  private static void run() throws Exception {
    CachingConnectionFactory factory = Spring.factory();
    RabbitAdmin admin = Spring.admin(factory);
    RabbitTemplate template = Spring.template(factory);
    String queue = Spring.unique("confirms");
    admin.declareQueue(new Queue(queue, true));

    List<CorrelationData> sent = new ArrayList<>();
    for (int number = 0; number < 500; number++) {
      CorrelationData data = new CorrelationData("" + number);
      template.convertAndSend("", queue, "message " + number, data);
      sent.add(data);
    }
    for (CorrelationData data : sent) {
      check("confirmed " + data.getId(), confirmOf(data).isAck());
      check("not returned " + data.getId(), data.getReturned() == null);
    }
    equal("ready", admin.getQueueInfo(queue).getMessageCount(), 500);

    CorrelationData nowhere = new CorrelationData("nowhere");
    template.convertAndSend("", Spring.unique("nobody"), "lost", nowhere);
    check("confirmed though returned", confirmOf(nowhere).isAck());
    equal("reply code", nowhere.getReturned().getReplyCode(), 312);
    equal("reply text", nowhere.getReturned().getReplyText(), "NO_ROUTE");

    CorrelationData wrong = new CorrelationData("wrong");
    template.convertAndSend(Spring.unique("no-exchange"), "key", "lost", wrong);
    check("not confirmed", !confirmOf(wrong).isAck());
    check("reason", confirmOf(wrong).getReason().contains("NOT_FOUND - no exchange"));

    Boolean all =
        template.invoke(
            operations -> {
              for (int number = 0; number < 100; number++) {
                operations.convertAndSend("", queue, "more " + number);
              }
              return operations.waitForConfirms(Spring.PATIENCE.toMillis());
            });
    // correlated channels have no wait of their own where there is no `simple` confirm type
    check("all", all == null || all);
    equal("ready", admin.getQueueInfo(queue).getMessageCount(), 600);

    try {
      admin.declareQueue(new Queue(queue, false));
      check("refused", admin.getQueueInfo(queue) != null);
    } catch (AmqpException expected) {
      check("why", expected.getCause() != null);
    }
    admin.purgeQueue(queue, false);
    equal("purged", admin.getQueueInfo(queue).getMessageCount(), 0);
    admin.deleteQueue(queue);
    check("gone", admin.getQueueInfo(queue) == null);
    factory.destroy();
  }

  private static CorrelationData.Confirm confirmOf(CorrelationData data) throws Exception {
    return data.getFuture().get(Spring.PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
  }
}
