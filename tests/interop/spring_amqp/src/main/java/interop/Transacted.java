package interop;

import static interop.support.Spring.check;
import static interop.support.Spring.equal;
import static interop.support.Spring.next;

import interop.support.Spring;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.amqp.core.Queue;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.core.RabbitAdmin;
import org.springframework.amqp.rabbit.core.RabbitTemplate;
import org.springframework.amqp.rabbit.listener.SimpleMessageListenerContainer;
import org.springframework.amqp.rabbit.transaction.RabbitTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** What a transacted listener publishes goes out with its ack, and neither does when it fails. */
public final class Transacted {
  private Transacted() {}

  public static void main(String[] args) {
    Spring.run(Transacted::run);
  }

  private static void run() throws Exception {
    CachingConnectionFactory factory = Spring.plainFactory();
    RabbitAdmin admin = Spring.admin(factory);
    RabbitTemplate template = new RabbitTemplate(factory);
    template.setChannelTransacted(true);
    String queue = Spring.unique("steps");
    String results = Spring.unique("results");
    admin.declareQueue(new Queue(queue, true));
    admin.declareQueue(new Queue(results, true));

    RabbitTransactionManager manager = new RabbitTransactionManager(factory);
    TransactionTemplate transaction = new TransactionTemplate(manager);
    transaction.executeWithoutResult(
        status -> {
          template.convertAndSend(queue, "never");
          status.setRollbackOnly();
        });
    equal("rolled back", admin.getQueueInfo(queue).getMessageCount(), 0);

    AtomicInteger tries = new AtomicInteger();
    BlockingQueue<String> seen = new LinkedBlockingQueue<>();
    SimpleMessageListenerContainer container = new SimpleMessageListenerContainer(factory);
    container.setQueueNames(queue);
    container.setChannelTransacted(true);
    container.setTransactionManager(manager);
    container.setMessageListener(
        message -> {
          String text = new String(message.getBody());
          boolean again = message.getMessageProperties().isRedelivered();
          template.convertAndSend(results, "result of try " + tries.incrementAndGet());
          if (!again) {
            throw new IllegalStateException("the first time fails");
          }
          seen.add(text);
        });
    container.start();
    transaction.executeWithoutResult(status -> template.convertAndSend(queue, "step"));
    equal("seen", next(seen), "step");
    equal("result", receive(template, results), "result of try 2");
    container.stop();
    check("only one", template.receiveAndConvert(results) == null);
    equal("left", admin.getQueueInfo(queue).getMessageCount(), 0);
    admin.deleteQueue(queue);
    admin.deleteQueue(results);
    factory.destroy();
  }

  private static Object receive(RabbitTemplate template, String queue) {
    return template.receiveAndConvert(queue, Spring.PATIENCE.toMillis());
  }
}
