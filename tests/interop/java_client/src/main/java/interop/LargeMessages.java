package interop;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.Delivery;
import interop.support.Support;
import interop.support.Support.Inbox;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Bodies of many frames, between peers with different sizes of frames, over sockets and over Netty. */
public final class LargeMessages {
  private static final int FRAME = 4096;

  /** A frame has eight octets that are not its body's. */
  private static final int[] SIZES = {
    0, 1, FRAME - 9, FRAME - 8, FRAME - 7, 2 * (FRAME - 8), 131_072 - 8, 131_072 - 7, 1_000_003, 8_000_000,
  };

  public static void main(String[] args) throws Exception {
    ConnectionFactory small = Support.factory();
    small.setRequestedFrameMax(FRAME);
    EventLoopGroup threads = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    ConnectionFactory netty = Support.factory().netty().eventLoopGroup(threads).connectionFactory();
    try (Connection a = small.newConnection();
        Connection b = netty.newConnection()) {
      Support.equal("frame size", a.getFrameMax(), FRAME);
      send(a, b);
      send(b, a);
    } finally {
      threads.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
    System.out.println(2 * SIZES.length + " bodies of up to " + SIZES[SIZES.length - 1] + " bytes");
  }

  private static void send(Connection from, Connection to) throws Exception {
    Channel receiving = to.createChannel();
    String queue = Support.unique("files");
    receiving.queueDeclare(queue, true, false, false, Map.of());
    Channel sending = from.createChannel();
    sending.confirmSelect();
    Random random = new Random(1);
    for (int size : SIZES) {
      byte[] body = new byte[size];
      random.nextBytes(body);
      var properties =
          new AMQP.BasicProperties.Builder()
              .deliveryMode(2)
              .headers(Map.of("sha-256", digest(body), "padding", "p".repeat(2000)))
              .build();
      sending.basicPublish("", queue, properties, body);
    }
    sending.waitForConfirmsOrDie(Support.PATIENCE.toMillis());
    receiving.basicQos(2);
    Inbox inbox = new Inbox(receiving, queue, false);
    for (int size : SIZES) {
      Delivery delivery = inbox.next();
      Support.equal("size", delivery.getBody().length, size);
      Object expected = delivery.getProperties().getHeaders().get("sha-256").toString();
      Support.equal("digest", digest(delivery.getBody()), expected);
      receiving.basicAck(delivery.getEnvelope().getDeliveryTag(), false);
    }
    Support.equal("left", receiving.queueDelete(queue).getMessageCount(), 0);
  }

  private static String digest(byte[] body) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(body));
  }
}
