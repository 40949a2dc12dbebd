package interop;

import com.rabbitmq.client.BuiltinExchangeType;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.MessageProperties;
import com.rabbitmq.client.Recoverable;
import com.rabbitmq.client.RecoveryListener;
import com.rabbitmq.client.impl.recovery.AutorecoveringConnection;
import interop.support.Support;
import interop.support.Support.Inbox;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/**
 * Automatic recovery: the broker stops and starts again on its port, and the library brings back the
 * connection, its channels with prefetch and confirms, what was declared, and who consumes.
 */
public final class TopologyRecovery {
  public static void main(String[] args) throws Exception {
    ConnectionFactory factory = Support.factory();
    factory.setNetworkRecoveryInterval(100);
    try (Connection connection = factory.newConnection("recovers")) {
      new TopologyRecovery(connection).run();
    }
    System.out.println("topology and consumers outlived a restart");
  }

  private final Connection connection;
  private final CountDownLatch recovered = new CountDownLatch(1);
  private final Map<String, String> renamed = new ConcurrentHashMap<>();
  private final String gateway = Support.unique("gateway");
  private final String exchange = Support.unique("orders");
  private final String orders = Support.unique("orders");

  private TopologyRecovery(Connection connection) {
    this.connection = connection;
    ((Recoverable) connection)
        .addRecoveryListener(
            new RecoveryListener() {
              @Override
              public void handleRecoveryStarted(Recoverable recoverable) {}

              @Override
              public void handleRecovery(Recoverable recoverable) {
                recovered.countDown();
              }
            });
    ((AutorecoveringConnection) connection).addQueueRecoveryListener(renamed::put);
  }

  private void run() throws Exception {
    Channel publisher = connection.createChannel();
    // transient at the front, durable behind it
    publisher.exchangeDeclare(gateway, BuiltinExchangeType.FANOUT, false, true, null);
    publisher.exchangeDeclare(exchange, BuiltinExchangeType.TOPIC, true);
    publisher.exchangeBind(exchange, gateway, "");
    publisher.queueDeclare(orders, true, false, false, null);
    publisher.queueBind(orders, exchange, "order.#");
    publisher.confirmSelect();

    Channel working = connection.createChannel();
    working.basicQos(2);
    Inbox worker = new Inbox(working, orders, false);
    Channel watching = connection.createChannel();
    String mine = watching.queueDeclare().getQueue();
    watching.queueBind(mine, exchange, "#.eu");
    Inbox watcher = new Inbox(watching, mine, true);

    publish(publisher, "order.1.eu");
    publish(publisher, "order.2.us");
    publish(publisher, "order.3.us");
    worker.ackNext("order.1.eu");
    Support.equal("held", worker.texts(2).toString(), "[order.2.us, order.3.us]");
    Support.equal("seen", worker.size() + watcher.texts(1).toString(), "0[order.1.eu]");

    Support.restartBroker();
    Support.await("recovery", recovered);
    Support.check("the broker's queue has a new name", !renamed.get(mine).equals(mine));
    Support.equal("my queue keeps its name", renamed.get(orders), orders);

    publish(publisher, "order.4.eu");
    publish(publisher, "order.5.us");
    for (String body : new String[] {"order.2.us", "order.3.us", "order.4.eu", "order.5.us"}) {
      Delivery delivery = worker.ackNext(body);
      boolean again = body.compareTo("order.4") < 0;
      Support.equal("redelivered " + body, delivery.getEnvelope().isRedeliver(), again);
      Support.equal("delivery mode", delivery.getProperties().getDeliveryMode(), 2);
    }
    Support.equal("seen afterwards", watcher.texts(1).toString(), "[order.4.eu]");

    working.basicCancel(worker.tag());
    working.close(); // what was acked is acked after this
    Support.equal("left", publisher.queueDelete(orders).getMessageCount(), 0);
    publisher.exchangeDelete(exchange);
  }

  private void publish(Channel channel, String key) throws Exception {
    channel.basicPublish(gateway, key, MessageProperties.PERSISTENT_TEXT_PLAIN, Support.bytes(key));
    channel.waitForConfirmsOrDie(Support.PATIENCE.toMillis());
  }
}
