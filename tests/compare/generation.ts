import type { ProfileName } from "../../broker/profiles.ts";

/** Which RabbitMQ is compared with: those before 4.0, or those since. */
export type Generation = 3 | 4;

/** What Warren does as, beside each. */
export const PROFILES: Readonly<Record<Generation, ProfileName>> = {
  3: "drop-in",
  4: "rabbitmq-4.3",
};

/** Which one a version is of. */
export function generationOf(version: string): Generation {
  return Number.parseInt(version) >= 4 ? 4 : 3;
}
