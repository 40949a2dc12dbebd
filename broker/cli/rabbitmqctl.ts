import type { Command } from "./command.ts";
import { CTL_COMMANDS } from "./rabbitmqctl/catalogue.ts";
import { runRabbitmqctl } from "./rabbitmqctl/run.ts";

/** `rabbitmqctl`: scripts that were made for RabbitMQ find the same words, output and exit status. */
export const rabbitmqctl: Command = {
  summary: "take rabbitmqctl's arguments, and answer as it does",
  run: runRabbitmqctl,
};

/** `rabbitmq-diagnostics`: the same, for files of containers that check by that whether a broker is well. */
export const rabbitmqDiagnostics: Command = {
  summary: "the same by the name that health checks call",
  run: runRabbitmqctl,
};

/** True for the name of a command that rabbitmqctl has. */
export function isCtlCommand(name: string): boolean {
  return Object.hasOwn(CTL_COMMANDS, name);
}
