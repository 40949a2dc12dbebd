package interop;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.MapRpcServer;
import com.rabbitmq.client.RpcClient;
import com.rabbitmq.client.RpcClientParams;
import com.rabbitmq.client.RpcServer;
import com.rabbitmq.client.ShutdownSignalException;
import com.rabbitmq.client.StringRpcServer;
import com.rabbitmq.client.UnroutableRpcRequestException;
import interop.support.Support;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The library's own RPC, by direct reply-to and by a queue for replies. */
public final class Rpc {
  private static final int CALLS = 40;

  public static void main(String[] args) throws Exception {
    try (Connection serving = Support.connect();
        Connection calling = Support.connect()) {
      strings(serving, calling);
      maps(serving, calling);
      silence(calling);
    }
    System.out.println(CALLS + " calls at once, maps, time-outs and nobody there");
  }

  /** Many threads call by one client; the server says what it is asked in capital letters. */
  private static void strings(Connection serving, Connection calling) throws Exception {
    String queue = declare(serving, "capitals");
    RpcServer server =
        new StringRpcServer(serving.createChannel(), queue) {
          @Override
          public String handleStringCall(String request, AMQP.BasicProperties reply) {
            return request.toUpperCase();
          }
        };
    Future<ShutdownSignalException> served = serve(server);
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try (RpcClient client = new RpcClient(params(calling, queue))) {
      List<Future<String>> answers = new ArrayList<>();
      for (int call = 0; call < CALLS; call++) {
        String request = "question " + call;
        answers.add(threads.submit(() -> client.stringCall(request)));
      }
      for (int call = 0; call < CALLS; call++) {
        String answer = answers.get(call).get(Support.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        Support.equal("answer", answer, "QUESTION " + call);
      }
    } finally {
      threads.shutdown();
    }
    stop(server, served);
  }

  /** Tables as bodies, and a queue of one's own for the replies. */
  private static void maps(Connection serving, Connection calling) throws Exception {
    String queue = declare(serving, "sums");
    RpcServer server =
        new MapRpcServer(serving.createChannel(), queue) {
          @Override
          public Map<String, Object> handleMapCall(
              Map<String, Object> request, AMQP.BasicProperties reply) {
            int sum = (Integer) request.get("a") + (Integer) request.get("b");
            return Map.of("sum", sum, "asked", request);
          }
        };
    Future<ShutdownSignalException> served = serve(server);
    Channel channel = calling.createChannel();
    String replies = channel.queueDeclare().getQueue();
    try (RpcClient client = new RpcClient(params(calling, queue).channel(channel).replyTo(replies))) {
      Map<String, Object> request = Map.of("a", 20, "b", 22);
      Map<String, Object> answer = client.mapCall(request);
      Support.equal("answer", answer, Map.of("sum", 42, "asked", request));
    }
    stop(server, served);
  }

  /** A queue without a server, and no queue at all. */
  private static void silence(Connection calling) throws Exception {
    String queue = declare(calling, "silence");
    try (RpcClient client = new RpcClient(params(calling, queue).timeout(100))) {
      client.stringCall("is anybody there?");
      throw new AssertionError("somebody is there");
    } catch (TimeoutException expected) {
      // nobody answers
    }
    String nowhere = Support.unique("nowhere");
    try (RpcClient client = new RpcClient(params(calling, nowhere).useMandatory())) {
      client.stringCall("is anybody there?");
      throw new AssertionError("somebody is there");
    } catch (UnroutableRpcRequestException expected) {
      Support.equal("code", expected.getReturnMessage().getReplyCode(), AMQP.NO_ROUTE);
    }
  }

  private static String declare(Connection connection, String name) throws Exception {
    String queue = Support.unique(name);
    connection.createChannel().queueDeclare(queue, false, true, true, null);
    return queue;
  }

  private static RpcClientParams params(Connection connection, String queue) throws Exception {
    return new RpcClientParams()
        .channel(connection.createChannel())
        .exchange("")
        .routingKey(queue)
        .timeout((int) Support.PATIENCE.toMillis());
  }

  private static Future<ShutdownSignalException> serve(RpcServer server) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return server.mainloop();
          } catch (Exception failed) {
            throw new IllegalStateException(failed);
          }
        });
  }

  /** A server ends with its channel. */
  private static void stop(RpcServer server, Future<ShutdownSignalException> served)
      throws Exception {
    server.getChannel().close();
    var reason = served.get(Support.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    Support.check("nothing but this program ended it", reason == null || reason.isInitiatedByApplication());
  }
}
