import { assertEquals } from "@std/assert";
import { pollSockets } from "../../broker/amqp/turn.ts";
import { Broker, type Logger } from "../../broker/mod.ts";
import { logChanges } from "../../broker/cli/changes_log.ts";
import { asJson } from "../../broker/cli/log.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

Deno.test("what operators change is logged, a line each and without secrets", async () => {
  const logger = new RecordingLogger();
  await using broker = new Broker({ passwordHashing: "rabbitmq-sha256" });
  logChanges(broker, logger);
  await broker.addVhost("jobs");
  await broker.addUser("ann", { password: "s3cret" });
  await broker.setUserTags("ann", ["monitoring"]);
  const permissions = { user: "ann", vhost: "jobs" };
  await broker.setPermissions({ ...permissions, configure: "", write: "^a", read: ".*" });
  await broker.setPolicy({ name: "p", vhost: "jobs", pattern: "^a", definition: { expires: 5 } });
  await broker.deletePolicy("p", { vhost: "jobs" });
  await broker.addVhost("jobs", { description: "s3cret" });
  const operators = { name: "o", vhost: "jobs", pattern: "", definition: { expires: 5 } };
  await broker.setOperatorPolicy(operators);
  await broker.deleteOperatorPolicy("o", { vhost: "jobs" });
  await broker.setVhostLimits({ maxQueues: 3 }, { vhost: "jobs" });
  const limits = { component: "vhost-limits", name: "limits", vhost: "jobs" };
  await broker.deleteParameter(limits);
  const parameter = { component: "shovel", name: "s", vhost: "jobs" };
  await broker.setParameter({ ...parameter, value: { uri: "amqp://ann:s3cret@localhost" } });
  await broker.deleteParameter(parameter);
  await broker.setGlobalParameter("token", "s3cret");
  await broker.deleteGlobalParameter("token");
  await broker.deleteUser("ann");
  await broker.deleteVhost("jobs");
  // told at the end of a turn, which waits for the loop when turns have followed one another for long
  await pollSockets();
  assertEquals(logger.lines, [
    "info: vhost 'jobs' was added",
    "info: user 'ann' was added",
    "info: user 'ann': tags were set to [monitoring]",
    "info: user 'ann': permissions in vhost 'jobs' were set to '', '^a', '.*'",
    "info: vhost 'jobs': policy 'p' was set",
    "info: vhost 'jobs': policy 'p' was cleared",
    "info: vhost 'jobs' was changed",
    "info: vhost 'jobs': operator policy 'o' was set",
    "info: vhost 'jobs': operator policy 'o' was cleared",
    "info: vhost 'jobs': limits were set",
    "info: vhost 'jobs': limits were cleared",
    "info: vhost 'jobs': parameter 's' of 'shovel' was set",
    "info: vhost 'jobs': parameter 's' of 'shovel' was cleared",
    "info: global parameter 'token' was set",
    "info: global parameter 'token' was cleared",
    "info: user 'ann' was deleted",
    "info: vhost 'jobs' and all that was in it was deleted",
  ]);
});

Deno.test("a change is logged with the name of who made it, for people and for machines", async () => {
  const lines: unknown[] = [];
  const logger: Logger = {
    log: (level, message, fields) => void lines.push([level, message, fields]),
  };
  await using broker = new Broker({ passwordHashing: "rabbitmq-sha256" });
  logChanges(broker, logger);
  await broker.attributeTo("ops", () => broker.addUser("ann", { password: "s3cret" }));
  await broker.declareQueue({ queue: "q" });
  await endOfTurn();
  assertEquals(lines, [["info", "user 'ann' was added by 'ops'", { user: "ops" }]]);
  assertEquals(JSON.parse(asJson("info", "said", { user: "ops" })).user, "ops");
});

Deno.test("what clients declare and delete is logged when details are asked for", async () => {
  const logger = new RecordingLogger();
  await using broker = new Broker();
  logChanges(broker, logger, { details: () => true });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("e", "fanout");
  await channel.queueDeclare("q");
  await channel.exchangeDelete("e");
  await channel.queueDelete("q");
  await endOfTurn();
  assertEquals(logger.lines, [
    "debug: vhost '/': exchange 'e' was declared by 'guest'",
    "debug: vhost '/': queue 'q' was declared by 'guest'",
    "debug: vhost '/': exchange 'e' was deleted by 'guest'",
    "debug: vhost '/': queue 'q' was deleted by 'guest'",
  ]);
});
