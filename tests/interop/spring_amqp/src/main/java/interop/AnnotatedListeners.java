package interop;

import static interop.support.Spring.equal;
import static interop.support.Spring.next;
import static interop.support.Spring.nextAre;

import interop.support.Spring;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.springframework.amqp.core.AcknowledgeMode;
import org.springframework.amqp.core.ExchangeTypes;
import org.springframework.amqp.rabbit.annotation.Argument;
import org.springframework.amqp.rabbit.annotation.EnableRabbit;
import org.springframework.amqp.rabbit.annotation.Exchange;
import org.springframework.amqp.rabbit.annotation.Queue;
import org.springframework.amqp.rabbit.annotation.QueueBinding;
import org.springframework.amqp.rabbit.annotation.RabbitListener;
import org.springframework.amqp.rabbit.config.SimpleRabbitListenerContainerFactory;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.core.RabbitAdmin;
import org.springframework.amqp.rabbit.core.RabbitTemplate;
import org.springframework.amqp.support.converter.Jackson2JsonMessageConverter;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.messaging.handler.annotation.SendTo;

/** Annotated methods declare what they need, get objects, answer, and dead-letter what they refuse. */
public final class AnnotatedListeners {
  static final String NAME = Spring.unique("spring");
  static final BlockingQueue<String> ORDERS = new LinkedBlockingQueue<>();
  static final BlockingQueue<String> DEAD = new LinkedBlockingQueue<>();

  /** What is sent as JSON. */
  public record Order(int id, String item) {}

  /** Names that annotations can ask for. */
  public static String name(String suffix) {
    return NAME + "." + suffix;
  }

  @Configuration
  @EnableRabbit
  static class Setup {
    @Bean
    CachingConnectionFactory factory() {
      return Spring.factory();
    }

    @Bean
    RabbitAdmin admin(CachingConnectionFactory factory) {
      return Spring.admin(factory);
    }

    @Bean
    Jackson2JsonMessageConverter converter() {
      return new Jackson2JsonMessageConverter();
    }

    @Bean
    RabbitTemplate template(CachingConnectionFactory factory, Jackson2JsonMessageConverter json) {
      RabbitTemplate template = Spring.template(factory);
      template.setMessageConverter(json);
      return template;
    }

    @Bean
    SimpleRabbitListenerContainerFactory rabbitListenerContainerFactory(
        CachingConnectionFactory factory, Jackson2JsonMessageConverter json) {
      SimpleRabbitListenerContainerFactory containers = new SimpleRabbitListenerContainerFactory();
      containers.setConnectionFactory(factory);
      containers.setMessageConverter(json);
      containers.setAcknowledgeMode(AcknowledgeMode.AUTO);
      containers.setDefaultRequeueRejected(false);
      containers.setPrefetchCount(10);
      return containers;
    }

    @Bean
    Listeners listeners() {
      return new Listeners();
    }
  }

  static class Listeners {
    @RabbitListener(
        bindings =
            @QueueBinding(
                value =
                    @Queue(
                        name = "#{T(interop.AnnotatedListeners).name('orders')}",
                        durable = "true",
                        arguments = {
                          @Argument(
                              name = "x-dead-letter-exchange",
                              value = "#{T(interop.AnnotatedListeners).name('dead')}"),
                          @Argument(
                              name = "x-max-length",
                              value = "10000",
                              type = "java.lang.Integer")
                        }),
                exchange =
                    @Exchange(
                        name = "#{T(interop.AnnotatedListeners).name('topic')}",
                        type = ExchangeTypes.TOPIC),
                key = "order.#"))
    void take(Order order, @Header("amqp_receivedRoutingKey") String key) {
      if (order.id() < 0) {
        throw new IllegalArgumentException("no such order");
      }
      ORDERS.add(key + " " + order.id() + " " + order.item());
    }

    @RabbitListener(
        bindings =
            @QueueBinding(
                value = @Queue(name = "#{T(interop.AnnotatedListeners).name('graves')}"),
                exchange =
                    @Exchange(
                        name = "#{T(interop.AnnotatedListeners).name('dead')}",
                        type = ExchangeTypes.FANOUT)))
    void bury(Order order, @Header("x-death") List<Map<String, Object>> deaths) {
      DEAD.add(order.id() + " " + deaths.get(0).get("reason"));
    }

    @RabbitListener(
        queuesToDeclare =
            @Queue(name = "#{T(interop.AnnotatedListeners).name('prices')}", autoDelete = "true"),
        concurrency = "2-4")
    @SendTo
    String price(Order order) {
      return order.item() + " costs " + order.id();
    }
  }

  public static void main(String[] args) {
    Spring.run(AnnotatedListeners::run);
  }

  private static void run() throws Exception {
    try (var context = new AnnotationConfigApplicationContext(Setup.class)) {
      RabbitTemplate template = context.getBean(RabbitTemplate.class);
      for (int id = 1; id <= 3; id++) {
        template.convertAndSend(name("topic"), "order.new", new Order(id, "tea"));
      }
      nextAre(ORDERS, List.of("order.new 1 tea", "order.new 2 tea", "order.new 3 tea"));
      template.convertAndSend(name("topic"), "order.bad", new Order(-1, "tea"));
      equal("dead", next(DEAD), "-1 rejected");
      for (int id = 1; id <= 20; id++) {
        Object answer = template.convertSendAndReceive("", name("prices"), new Order(id, "tea"));
        equal("answer", answer, "tea costs " + id);
      }
      RabbitAdmin admin = context.getBean(RabbitAdmin.class);
      equal("left", admin.getQueueInfo(name("orders")).getMessageCount(), 0);
      equal("consumers", admin.getQueueInfo(name("orders")).getConsumerCount(), 1);
    }
    CachingConnectionFactory factory = Spring.factory();
    RabbitAdmin admin = Spring.admin(factory);
    admin.deleteQueue(name("orders"));
    admin.deleteQueue(name("graves"));
    admin.deleteExchange(name("topic"));
    admin.deleteExchange(name("dead"));
    factory.destroy();
  }
}
