package interop;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.GetResponse;
import com.rabbitmq.client.MessageProperties;
import com.rabbitmq.client.ShutdownSignalException;
import interop.support.Support;
import java.io.IOException;
import java.util.List;

/** Transactions: a job goes from one queue to the next, wholly or not at all. */
public final class Transactions {
  public static void main(String[] args) throws Exception {
    try (Connection connection = Support.connect()) {
      new Transactions(connection).run();
    }
    System.out.println("committed, rolled back, and given up on with its channel");
  }

  private final Connection connection;
  private final Channel observer;
  private final String todo = Support.unique("todo");
  private final String done = Support.unique("done");

  private Transactions(Connection connection) throws IOException {
    this.connection = connection;
    this.observer = connection.createChannel();
  }

  private void run() throws Exception {
    for (String queue : new String[] {todo, done}) {
      observer.queueDeclare(queue, true, false, false, null);
    }
    for (String job : new String[] {"1", "2", "3"}) {
      observer.basicPublish("", todo, MessageProperties.PERSISTENT_BASIC, Support.bytes(job));
    }
    Channel channel = connection.createChannel();
    Support.check("select", channel.txSelect() != null);

    move(channel, "1");
    expect(2, 0); // nothing has moved yet, one is unacked
    channel.txCommit();
    expect(2, 1);

    move(channel, "2");
    channel.txRollback();
    // the publish is forgotten; the message is still this channel's, which can ack it after all
    expect(1, 1);
    channel.basicRecover(true);
    GetResponse again = channel.basicGet(todo, false);
    Support.equal("again", new String(again.getBody()), "2");
    Support.check("redelivered", again.getEnvelope().isRedeliver());
    channel.basicNack(again.getEnvelope().getDeliveryTag(), false, true);
    expect(1, 1); // the nack waits for its commit as well
    channel.txCommit();
    expect(2, 1);

    move(channel, "2");
    breakChannel(channel);
    expect(2, 1);

    Channel last = connection.createChannel();
    last.txSelect();
    move(last, "2");
    move(last, "3");
    last.txCommit();
    expect(0, 3);
    for (String job : new String[] {"1", "2", "3"}) {
      Support.equal("done", new String(observer.basicGet(done, true).getBody()), job);
    }
    observer.queueDelete(todo);
    observer.queueDelete(done);
  }

  private void move(Channel channel, String job) throws IOException {
    GetResponse got = channel.basicGet(todo, false);
    Support.equal("job", new String(got.getBody()), job);
    channel.basicPublish("", done, MessageProperties.PERSISTENT_BASIC, got.getBody());
    channel.basicAck(got.getEnvelope().getDeliveryTag(), false);
  }

  /** Looks from another channel; a queue may hear of what a channel gives back a moment later. */
  private void expect(int waiting, int finished) throws Exception {
    long deadline = System.nanoTime() + Support.PATIENCE.toNanos();
    List<Long> counts;
    do {
      counts = List.of(observer.messageCount(todo), observer.messageCount(done));
      if (counts.equals(List.of((long) waiting, (long) finished))) {
        return;
      }
      Thread.sleep(5);
    } while (System.nanoTime() < deadline);
    throw new AssertionError("expected " + waiting + " and " + finished + ", got " + counts);
  }

  private void breakChannel(Channel channel) throws IOException {
    channel.basicPublish(Support.unique("nowhere"), "", MessageProperties.BASIC, new byte[0]);
    ShutdownSignalException reason;
    try {
      channel.txCommit();
      throw new AssertionError("a commit after a publish to nowhere");
    } catch (AlreadyClosedException closed) {
      reason = closed;
    } catch (IOException failed) {
      reason = (ShutdownSignalException) failed.getCause();
    }
    AMQP.Channel.Close close = (AMQP.Channel.Close) reason.getReason();
    Support.equal("code", close.getReplyCode(), AMQP.NOT_FOUND);
  }
}
