import { assertEquals } from "@std/assert";
import { queueDeclareOk } from "../../broker/amqp/methods/queue.ts";
import { Inbox } from "../../client/inbox.ts";
import { Intake } from "../../client/intake.ts";
import { PendingReplies } from "../../client/pending_replies.ts";
import { standingTime } from "../support/standing_time.ts";
import { RecordingLink } from "./recording_link.ts";

Deno.test("callbacks for what came before a reply run before whoever asked goes on", async () => {
  using _time = standingTime(); // a turn is as long on every machine
  const link = new RecordingLink();
  const inbox = new Inbox(link);
  const replies = new PendingReplies(new Intake(link), inbox);
  let taken = 0;
  const asked = replies.ask(["queue.declare-ok"], () => {}).then(() => taken);
  // more than are handed out in one turn
  for (let count = 0; count < 2000; count++) inbox.push({ take: () => taken++ }, undefined);
  replies.answer(queueDeclareOk({ queue: "q" }));
  inbox.push({ take: () => taken++ }, undefined);
  assertEquals(await asked, 2001, "what came in the same turn, too");
});
