import { assertEquals, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { RecentHistoryTable } from "../../broker/routing/recent_history.ts";
import { testRoutingTable } from "./routing_table_contract.ts";
import { asRouted } from "./support.ts";

testRoutingTable({
  name: "RecentHistoryTable",
  create: () => new RecentHistoryTable(),
  matching: [{ routingKey: "a", arguments: {} }, { routingKey: "b", arguments: {} }],
  message: { routingKey: "any" },
});

Deno.test("RecentHistoryTable remembers 20 messages unless told otherwise", () => {
  assertEquals(new RecentHistoryTable().history.length, 20);
  for (const length of [1, 3n, 2 ** 40]) {
    const table = new RecentHistoryTable({ "x-recent-history-length": length });
    assertEquals(table.history.length, Number(length));
  }
});

Deno.test("RecentHistoryTable refuses a length that is not a positive integer", () => {
  const values = [[0, "0"], [-1, "-1"], [1.5, "1.5"], ["5", `<<"5">>`], [true, "true"]] as const;
  for (const [length, printed] of values) {
    const error = assertThrows(
      () => new RecentHistoryTable({ "x-recent-history-length": length }),
      AmqpError,
      `PRECONDITION_FAILED - Invalid argument ${printed}, 'x-recent-history-length' must be a ` +
        "positive integer",
    );
    assertEquals(error.replyCode, 406);
  }
});

Deno.test("RecentHistoryTable takes what does not ask to be left out", () => {
  const { history } = new RecentHistoryTable();
  assertEquals(history.takes(asRouted({})), true);
  for (const value of [true, false, "true", 1]) {
    const headers = { "x-recent-history-no-store": value };
    assertEquals(history.takes(asRouted({ headers })), value !== true);
  }
});
