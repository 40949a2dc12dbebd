package interop;

import static interop.support.Spring.check;

import interop.support.Spring;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.springframework.amqp.AmqpException;
import org.springframework.amqp.core.AnonymousQueue;
import org.springframework.amqp.core.Queue;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.connection.CorrelationData;
import org.springframework.amqp.rabbit.core.RabbitAdmin;
import org.springframework.amqp.rabbit.core.RabbitTemplate;
import org.springframework.amqp.rabbit.listener.DirectMessageListenerContainer;

/** Containers come back after the broker was killed, and get all that was confirmed. */
public final class BrokerKilled {
  private static final int COUNT = 400;

  private BrokerKilled() {}

  public static void main(String[] args) {
    Spring.run(BrokerKilled::run);
  }

  private static void run() throws Exception {
    CachingConnectionFactory factory = Spring.factory();
    RabbitAdmin admin = Spring.admin(factory);
    RabbitTemplate template = Spring.template(factory);
    String queue = Spring.unique("survives");
    admin.declareQueue(new Queue(queue, true));
    Queue anonymous = new AnonymousQueue();

    Set<String> seen = ConcurrentHashMap.newKeySet();
    CountDownLatch all = new CountDownLatch(COUNT);
    DirectMessageListenerContainer container = new DirectMessageListenerContainer(factory);
    container.setQueueNames(queue);
    container.setConsumersPerQueue(2);
    container.setPrefetchCount(5);
    container.setFailedDeclarationRetryInterval(100);
    container.setMonitorInterval(500);
    container.setMessageListener(
        message -> {
          if (seen.add(new String(message.getBody()))) {
            all.countDown();
          }
        });
    container.afterPropertiesSet();
    container.start();

    for (int number = 0; number < COUNT; number++) {
      if (number == COUNT / 2) {
        Spring.killBroker();
        // declared anew by whoever uses it, as it went with its connection
        admin.declareQueue(anonymous);
      }
      publish(template, queue, "" + number);
    }
    check("all came", all.await(Spring.PATIENCE.toMillis(), TimeUnit.MILLISECONDS));
    container.stop();
    admin.deleteQueue(queue);
    factory.destroy();
  }

  /** Until it is confirmed. */
  private static void publish(RabbitTemplate template, String queue, String text)
      throws Exception {
    long end = System.nanoTime() + Spring.PATIENCE.toNanos();
    while (true) {
      try {
        CorrelationData data = new CorrelationData(text);
        template.convertAndSend("", queue, text, data);
        var confirm = data.getFuture().get(Spring.PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        if (confirm.isAck()) {
          return;
        }
      } catch (AmqpException lost) {
        check("the broker comes back: " + lost, System.nanoTime() < end);
      }
    }
  }
}
