import { assertEquals, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import {
  Decimal,
  Double,
  type FieldTable,
  type FieldValue,
} from "../../broker/amqp/field_table.ts";
import { type ProfileName, profileOf } from "../../broker/profiles.ts";
import {
  checkConsumerArguments,
  checkQueueArguments,
  checkSameArguments,
  differs,
  queueTypeOf,
  typeName,
} from "../../broker/queue/queue_arguments.ts";

const QUEUE = "queue 'q' in vhost '/'";

interface Flags {
  readonly durable?: boolean;
  readonly exclusive?: boolean;
  readonly autoDelete?: boolean;
}

function check(arguments_: FieldTable, flags: Flags = {}): void {
  checkQueueArguments(QUEUE, {
    durable: true,
    exclusive: false,
    autoDelete: false,
    ...flags,
    arguments: arguments_,
  });
}

Deno.test("checkQueueArguments() takes what RabbitMQ takes", () => {
  const fine: readonly FieldTable[] = [
    {},
    { "x-unknown": "ignored", "x-consumer-timeout": 5 },
    { "x-expires": 1, "x-message-ttl": 0, "x-max-length": 0, "x-max-length-bytes": 2n ** 60n },
    { "x-max-priority": 0 },
    { "x-max-priority": 255 },
    { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "" },
    { "x-overflow": "reject-publish-dlx", "x-queue-mode": "lazy", "x-queue-version": 2 },
    { "x-single-active-consumer": false, "x-queue-leader-locator": "client-local" },
    { "x-queue-type": "classic" },
    { "x-queue-type": "quorum", "x-delivery-limit": 0, "x-dead-letter-strategy": "at-least-once" },
    { "x-queue-type": "stream", "x-max-age": "7D", "x-stream-filter-size-bytes": 16 },
  ];
  for (const arguments_ of fine) check(arguments_);
});

const WRONG: readonly (readonly [name: string, value: FieldValue, reason: string])[] = [
  ["x-expires", 0, "{value_zero,0}"],
  ["x-expires", "1", '"expected integer, got longstr"'],
  ["x-message-ttl", -1, "{value_negative,-1}"],
  ["x-message-ttl", -(2n ** 60n), "{value_negative,-1152921504606846976}"],
  ["x-message-ttl", 2.5, '"expected integer, got double"'],
  ["x-message-ttl", true, '"expected integer, got bool"'],
  ["x-max-length", null, '"expected integer, got void"'],
  ["x-max-length", [1], '"expected integer, got array"'],
  ["x-max-length-bytes", { a: 1 }, '"expected integer, got table"'],
  ["x-max-priority", 256, "{max_value_exceeded,256}"],
  ["x-max-priority", -1, "{value_negative,-1}"],
  ["x-max-priority", "a", '"expected integer, got longstr"'],
  ["x-max-priority", 2.5, '"expected integer, got double"'],
  ["x-overflow", "zz", "invalid_overflow"],
  ["x-overflow", 1, "{unacceptable_type,signedint}"],
  ["x-queue-mode", "zz", "\"unsupported queue mode 'zz'\""],
  ["x-dead-letter-routing-key", "key", "routing_key_but_no_dlx_defined"],
  ["x-delivery-count", "yes", "{unacceptable_type,longstr}"],
  ["x-single-active-consumer", "yes", "{unacceptable_type,longstr}"],
  ["x-consumer-timeout", -1, "{value_negative,-1}"],
  ["x-consumer-timeout", "5m", '"expected integer, got longstr"'],
  ["x-consumer-disconnected-timeout", true, '"expected integer, got bool"'],
  ["x-queue-type", "zz", "\"unsupported queue type 'zz'\""],
  ["x-queue-type", 1, "{unacceptable_type,signedint}"],
];

for (const [name, value, reason] of WRONG) {
  Deno.test(`checkQueueArguments() refuses ${name} of ${Deno.inspect(value)}`, () => {
    const error = assertThrows(() => check({ [name]: value }), AmqpError);
    assertEquals(
      [error.replyCode, error.message],
      [406, `PRECONDITION_FAILED - invalid arg '${name}' for ${QUEUE}: ${reason}`],
    );
  });
}

Deno.test("checkQueueArguments() refuses arguments that the queue's type does not have", () => {
  const cases: readonly (readonly [type: string, name: string, value: FieldValue])[] = [
    ["classic", "x-quorum-initial-group-size", 5],
    ["classic", "x-max-age", "1h"],
    ["quorum", "x-max-priority", 5],
    ["quorum", "x-queue-mode", "lazy"],
    ["stream", "x-message-ttl", 1],
    ["stream", "x-expires", 1],
  ];
  for (const [type, name, value] of cases) {
    const error = assertThrows(() => check({ "x-queue-type": type, [name]: value }), AmqpError);
    assertEquals(
      [error.replyCode, error.message],
      [
        406,
        `PRECONDITION_FAILED - invalid arg '${name}' for ${QUEUE} of queue type rabbit_${type}_queue`,
      ],
    );
  }
});

Deno.test("checkQueueArguments() knows timeouts for the types that have them", () => {
  const declared = { durable: true, exclusive: false, autoDelete: false };
  for (const name of ["x-consumer-timeout", "x-consumer-disconnected-timeout"]) {
    for (const type of ["classic", "quorum", "stream"]) {
      const checkUnder = (profile: ProfileName) => () => {
        const arguments_ = { "x-queue-type": type, [name]: 5 };
        checkQueueArguments(QUEUE, { ...declared, arguments: arguments_ }, profileOf(profile));
      };
      checkUnder("drop-in")();
      checkUnder("rabbitmq-3.13")();
      if (type === "quorum") checkUnder("rabbitmq-4.3")();
      else {
        assertEquals(
          assertThrows(checkUnder("rabbitmq-4.3"), AmqpError).message,
          `PRECONDITION_FAILED - invalid arg '${name}' for ${QUEUE} of queue type ` +
            `rabbit_${type}_queue`,
        );
      }
    }
  }
});

Deno.test("checkConsumerArguments() looks at x-consumer-timeout where consumers know it", () => {
  const [classic, quorum] = [{}, { "x-queue-type": "quorum" }];
  const refusal = (profile: ProfileName, queue: FieldTable, timeout: FieldValue) => {
    try {
      const arguments_ = { "x-consumer-timeout": timeout };
      checkConsumerArguments(QUEUE, queue, arguments_, profileOf(profile));
      return "ok";
    } catch (error) {
      return (error as AmqpError).message.split(QUEUE)[1];
    }
  };
  assertEquals(refusal("drop-in", classic, 5), "ok");
  assertEquals(refusal("drop-in", classic, 5n), "ok");
  assertEquals(refusal("drop-in", quorum, -5), ": {value_negative,-5}");
  assertEquals(refusal("drop-in", classic, "x"), ': "expected integer, got longstr"');
  assertEquals(refusal("rabbitmq-3.13", classic, "x"), "ok");
  assertEquals(refusal("rabbitmq-4.3", quorum, 0), "ok");
  assertEquals(refusal("rabbitmq-4.3", quorum, "x"), ': "expected integer, got longstr"');
  assertEquals(refusal("rabbitmq-4.3", classic, 5), " of queue type rabbit_classic_queue");
});

Deno.test("checkQueueArguments() wants quorum queues and streams durable, shared and lasting", () => {
  const cases: readonly (readonly [flags: Flags, property: string])[] = [
    [{ durable: false }, "non-durable"],
    [{ exclusive: true }, "exclusive-owner"],
    [{ autoDelete: true }, "auto-delete"],
  ];
  for (const type of ["quorum", "stream"]) {
    for (const [flags, property] of cases) {
      const error = assertThrows(() => check({ "x-queue-type": type }, flags), AmqpError);
      assertEquals(
        [error.replyCode, error.message],
        [406, `PRECONDITION_FAILED - invalid property '${property}' for ${QUEUE}`],
      );
    }
  }
  for (const [flags] of cases) check({}, flags);
});

Deno.test("queueTypeOf() is classic unless another one is asked for", () => {
  assertEquals(
    [{}, { "x-queue-type": "quorum" }, { "x-queue-type": "stream" }, { "x-queue-type": "zz" }]
      .map((arguments_) => queueTypeOf(arguments_)),
    ["classic", "quorum", "stream", "classic"],
  );
});

Deno.test("checkSameArguments() wants the arguments that count repeated, and only those", () => {
  checkSameArguments(QUEUE, { "x-expires": 5, other: 1 }, { "x-expires": 5, other: 2 });
  checkSameArguments(QUEUE, { "x-expires": 5n }, { "x-expires": 5 });
  checkSameArguments(QUEUE, { "x-queue-type": "classic" }, {});
  const cases: readonly (readonly [received: FieldTable, current: FieldTable, text: string])[] = [
    [
      { "x-expires": 5 },
      {},
      "'x-expires' for queue 'q' in vhost '/': received the value '5' of type 'signedint' but " +
      "current is none",
    ],
    [
      {},
      { "x-max-length": 7 },
      "'x-max-length' for queue 'q' in vhost '/': received none but current is the value '7' of " +
      "type 'signedint'",
    ],
    [
      { "x-overflow": "drop-head" },
      { "x-overflow": "reject-publish" },
      "'x-overflow' for queue 'q' in vhost '/': received 'drop-head' but current is " +
      "'reject-publish'",
    ],
    [
      { "x-queue-type": "quorum" },
      {},
      "'x-queue-type' for queue 'q' in vhost '/': received the value 'quorum' of type 'longstr' " +
      "but current is none",
    ],
    [
      { "x-max-length": new Double(5) },
      { "x-max-length": 5 },
      "'x-max-length' for queue 'q' in vhost '/': received '5.0' but current is '5'",
    ],
    [
      { "x-max-length": null },
      { "x-max-length": 5 },
      "'x-max-length' for queue 'q' in vhost '/': received none but current is '5'",
    ],
    [
      { "x-max-length": new Decimal(0, 5) },
      {},
      "'x-max-length' for queue 'q' in vhost '/': received the value '{0,5}' of type 'decimal' " +
      "but current is none",
    ],
    [
      { "x-max-length": [] },
      {},
      "'x-max-length' for queue 'q' in vhost '/': received the value '[]' of type 'array' " +
      "but current is none",
    ],
    [
      { "x-max-length": null },
      {},
      "'x-max-length' for queue 'q' in vhost '/': received the value 'undefined' of type 'void' " +
      "but current is none",
    ],
  ];
  for (const [received, current, text] of cases) {
    const error = assertThrows(() => checkSameArguments(QUEUE, received, current), AmqpError);
    assertEquals(
      [error.replyCode, error.message],
      [406, `PRECONDITION_FAILED - inequivalent arg ${text}`],
    );
  }
});

Deno.test("differs() words a flag that is not repeated", () => {
  assertEquals(
    differs("durable", QUEUE, true, false).message,
    "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received " +
      "'true' but current is 'false'",
  );
});

Deno.test("typeName() calls the types as RabbitMQ does", () => {
  const cases: readonly (readonly [FieldValue, string])[] = [
    [true, "bool"],
    ["", "longstr"],
    [1, "signedint"],
    [-(2 ** 31), "signedint"],
    [2 ** 31, "long"],
    [5n, "long"],
    [0.5, "double"],
    [Infinity, "double"],
    [null, "void"],
    [new Date(0), "timestamp"],
    [new Uint8Array(), "binary"],
    [[], "array"],
    [{}, "table"],
    [new Decimal(1, 5), "decimal"],
  ];
  assertEquals(cases.map(([value]) => typeName(value)), cases.map(([, name]) => name));
});
