package interop.support;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Delivery;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** What the programs share: where the broker is, fresh names, waiting, comparing. */
public final class Support {
  /** How long something that should come may take. */
  public static final Duration PATIENCE = Duration.ofSeconds(60);

  private Support() {}

  /** A factory that knows where the broker is, with all else as the library has it. */
  public static ConnectionFactory factory() throws Exception {
    ConnectionFactory factory = new ConnectionFactory();
    factory.setUri(System.getenv("AMQP_URL"));
    factory.setHandshakeTimeout((int) PATIENCE.toMillis());
    return factory;
  }

  public static Connection connect() throws Exception {
    return factory().newConnection();
  }

  /** Returns when the broker has been stopped and listens again. */
  public static void restartBroker() throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(System.getenv("INTEROP_CONTROL_URL") + "restart"))
            .version(HttpClient.Version.HTTP_1_1)
            .POST(HttpRequest.BodyPublishers.noBody())
            .build();
    HttpResponse<String> response =
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    equal("restart", response.statusCode(), 204);
  }

  /** A name that no other run uses. */
  public static String unique(String name) {
    return name + "-" + UUID.randomUUID().toString().substring(0, 8);
  }

  public static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  public static String text(Delivery delivery) {
    return new String(delivery.getBody(), StandardCharsets.UTF_8);
  }

  public static void equal(String what, Object actual, Object expected) {
    if (!Objects.deepEquals(actual, expected)) {
      throw new AssertionError(what + ": expected " + expected + ", got " + actual);
    }
  }

  public static void check(String what, boolean holds) {
    if (!holds) {
      throw new AssertionError(what + " does not hold");
    }
  }

  /** Waits for something that another thread does. */
  public static void await(String what, CountDownLatch latch) throws InterruptedException {
    check(what, latch.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS));
  }

  /** What a consumer was delivered and nobody has taken yet. */
  public static final class Inbox {
    private final BlockingQueue<Delivery> deliveries = new LinkedBlockingQueue<>();
    private final Channel channel;
    private final String tag;

    /** Consumes from the queue. */
    public Inbox(Channel channel, String queue, boolean autoAck) throws IOException {
      this.channel = channel;
      this.tag =
          channel.basicConsume(
              queue, autoAck, (tag, delivery) -> deliveries.add(delivery), cancelledTag -> {});
    }

    /** Its consumer's tag. */
    public String tag() {
      return tag;
    }

    /** The next delivery, which must come. */
    public Delivery next() throws InterruptedException {
      Delivery delivery = deliveries.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      check("a delivery to " + tag, delivery != null);
      return delivery;
    }

    /** The next delivery, which must have this body, and acks it. */
    public Delivery ackNext(String body) throws IOException, InterruptedException {
      Delivery delivery = next();
      equal("body", text(delivery), body);
      channel.basicAck(delivery.getEnvelope().getDeliveryTag(), false);
      return delivery;
    }

    /** The bodies of so many deliveries. */
    public List<String> texts(int count) throws InterruptedException {
      List<String> texts = new ArrayList<>();
      while (texts.size() < count) {
        texts.add(text(next()));
      }
      return texts;
    }

    /** How many wait to be taken. */
    public int size() {
      return deliveries.size();
    }
  }
}
