import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { cleanName, generatedName, refuseReserved } from "../../broker/vhost/names.ts";

Deno.test("generatedName() makes names as RabbitMQ does, and never the same twice", () => {
  const names = Array.from({ length: 2000 }, () => generatedName("amq.gen-"));
  for (const name of names) assertMatch(name, /^amq\.gen-[A-Za-z0-9_-]{22}$/);
  assertEquals(new Set(names).size, names.length);
  // every place holds every character sooner or later: none of the bits is lost
  for (let place = 8; place < 30; place++) {
    const seen = new Set(names.map((name) => name[place]));
    assertEquals(seen.size, 64, `place ${place}`);
  }
});

Deno.test("cleanName() takes line breaks out of names, and nothing else", () => {
  assertEquals(cleanName("a\r\nb\n c\td "), "ab c\td ");
  assertEquals(cleanName(""), "");
});

Deno.test("refuseReserved() keeps the names that begin with amq. for the broker", () => {
  for (const name of ["", "amq", "amqp.topic", "AMQ.x", "x.amq."]) refuseReserved("queue", name);
  const error = assertThrows(() => refuseReserved("queue", "amq.mine"), AmqpError);
  assertEquals(
    [error.replyCode, error.message],
    [403, "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'"],
  );
  assertEquals(
    assertThrows(() => refuseReserved("exchange", "amq."), AmqpError).message,
    "ACCESS_REFUSED - exchange name 'amq.' contains reserved prefix 'amq.*'",
  );
});
