package interop;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.BuiltinExchangeType;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import interop.support.Support;
import interop.support.Support.Inbox;
import java.io.IOException;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reports are routed by their headers: by all of them, by any, by presence, by values of all types. */
public final class HeadersExchange {
  private static final Date DAY = new Date(1_700_000_000_000L);

  /** What each subscriber asks for. */
  private static final Map<String, Map<String, Object>> BINDINGS = new LinkedHashMap<>();

  /** The headers of each report, and who must get it. */
  private static final Map<String, Map<String, Object>> REPORTS = new LinkedHashMap<>();

  private static final Map<String, List<String>> EXPECTED = new HashMap<>();

  static {
    BINDINGS.put("all", Map.of("x-match", "all", "format", "pdf", "year", 2026));
    BINDINGS.put("any", Map.of("x-match", "any", "format", "pdf", "draft", true));
    BINDINGS.put("default", Map.of("format", "csv", "size", 3_000_000_000L));
    BINDINGS.put("day", Map.of("x-match", "all", "day", DAY));
    HashMap<String, Object> present = new HashMap<>(Map.of("x-match", "all"));
    present.put("format", null); // whatever its value is
    BINDINGS.put("present", present);
    BINDINGS.put("everything", Map.of());

    report("pdf", Map.of("format", "pdf", "year", 2026), "all", "any", "present", "everything");
    report("old pdf", Map.of("format", "pdf", "year", 2025), "any", "present", "everything");
    report("draft", Map.of("draft", true, "pages", 12), "any", "everything");
    report("no draft", Map.of("draft", false), "everything");
    report("csv", Map.of("format", "csv", "size", 3_000_000_000L), "default", "present", "everything");
    report("text", Map.of("format", "csv", "size", "3000000000"), "present", "everything");
    report("day", Map.of("day", DAY, "year", 2026), "day", "everything");
    report("plain", Map.of(), "everything");
  }

  private static void report(String name, Map<String, Object> headers, String... subscribers) {
    REPORTS.put(name, headers);
    for (String subscriber : subscribers) {
      EXPECTED.computeIfAbsent(subscriber, each -> new java.util.ArrayList<>()).add(name);
    }
  }

  public static void main(String[] args) throws Exception {
    try (Connection connection = Support.connect()) {
      Channel channel = connection.createChannel();
      String exchange = Support.unique("reports");
      channel.exchangeDeclare(exchange, BuiltinExchangeType.HEADERS, false, true, null);
      Map<String, Inbox> inboxes = new LinkedHashMap<>();
      for (var binding : BINDINGS.entrySet()) {
        String queue = channel.queueDeclare().getQueue();
        channel.queueBind(queue, exchange, "", binding.getValue());
        inboxes.put(binding.getKey(), new Inbox(channel, queue, true));
      }
      channel.confirmSelect();
      for (var report : REPORTS.entrySet()) {
        publish(channel, exchange, report.getKey(), report.getValue());
      }
      channel.waitForConfirmsOrDie(Support.PATIENCE.toMillis());
      for (String subscriber : BINDINGS.keySet()) {
        List<String> expected = EXPECTED.get(subscriber);
        Inbox inbox = inboxes.get(subscriber);
        Support.equal(subscriber, inbox.texts(expected.size()), expected);
      }
      // in the order of the channel: after this answer nothing of before can come
      for (Inbox inbox : inboxes.values()) {
        channel.basicCancel(inbox.tag());
        Support.equal("too many", inbox.size(), 0);
      }
    }
    System.out.println(REPORTS.size() + " reports for " + BINDINGS.size() + " subscribers");
  }

  private static void publish(
      Channel channel, String exchange, String name, Map<String, Object> headers)
      throws IOException {
    var properties = new AMQP.BasicProperties.Builder().headers(headers).build();
    channel.basicPublish(exchange, "ignored", properties, Support.bytes(name));
  }
}
