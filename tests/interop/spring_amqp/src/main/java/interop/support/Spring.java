package interop.support;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory.ConfirmType;
import org.springframework.amqp.rabbit.core.RabbitAdmin;
import org.springframework.amqp.rabbit.core.RabbitTemplate;

/** What the programs share: the broker as Spring sees it, fresh names, waiting, comparing. */
public final class Spring {
  /** How long something that should come may take. */
  public static final Duration PATIENCE = Duration.ofSeconds(60);

  private Spring() {}

  /** What a program does. */
  public interface Program {
    void run() throws Exception;
  }

  /** Runs a program and ends the process, whatever threads there still are. */
  public static void run(Program program) {
    try {
      program.run();
    } catch (Throwable error) {
      error.printStackTrace();
      System.exit(1);
    }
    System.exit(0);
  }

  /** A factory with confirms and returns, as Spring Boot makes it. */
  public static CachingConnectionFactory factory() {
    CachingConnectionFactory factory = new CachingConnectionFactory();
    factory.setUri(System.getenv("AMQP_URL"));
    factory.setPublisherConfirmType(ConfirmType.CORRELATED);
    factory.setPublisherReturns(true);
    return factory;
  }

  /** One for channels that are transactional, which have no confirms. */
  public static CachingConnectionFactory plainFactory() {
    CachingConnectionFactory factory = new CachingConnectionFactory();
    factory.setUri(System.getenv("AMQP_URL"));
    return factory;
  }

  /** A template that waits long for answers. */
  public static RabbitTemplate template(CachingConnectionFactory factory) {
    RabbitTemplate template = new RabbitTemplate(factory);
    template.setMandatory(true);
    template.setReplyTimeout(PATIENCE.toMillis());
    return template;
  }

  /** What declares queues. */
  public static RabbitAdmin admin(CachingConnectionFactory factory) {
    return new RabbitAdmin(factory);
  }

  /** Returns when the broker was ended without being asked, and listens again. */
  public static void killBroker() throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(System.getenv("INTEROP_CONTROL_URL") + "kill"))
            .version(HttpClient.Version.HTTP_1_1)
            .POST(HttpRequest.BodyPublishers.noBody())
            .build();
    HttpResponse<String> response =
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    equal("kill", response.statusCode(), 204);
  }

  /** A name that no other run uses. */
  public static String unique(String name) {
    return name + "-" + UUID.randomUUID().toString().substring(0, 8);
  }

  /** The next of what another thread puts there, which must come. */
  public static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
    T found = queue.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    check("something comes", found != null);
    return found;
  }

  /** The next of them, which must be these. */
  public static void nextAre(BlockingQueue<String> queue, List<String> expected)
      throws InterruptedException {
    for (String text : expected) {
      equal("next", next(queue), text);
    }
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
}
