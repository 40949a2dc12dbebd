import { assertEquals } from "@std/assert";
import { Broker } from "../../broker/mod.ts";
import { logChanges } from "../../broker/cli/changes_log.ts";
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
  await broker.deleteUser("ann");
  await broker.deleteVhost("jobs");
  await Promise.resolve();
  assertEquals(logger.lines, [
    "info: vhost 'jobs' was added",
    "info: user 'ann' was added",
    "info: user 'ann': tags were set to [monitoring]",
    "info: user 'ann': permissions in vhost 'jobs' were set to '', '^a', '.*'",
    "info: vhost 'jobs': policy 'p' was set",
    "info: vhost 'jobs': policy 'p' was cleared",
    "info: user 'ann' was deleted",
    "info: vhost 'jobs' was deleted, with all that was in it",
  ]);
});
