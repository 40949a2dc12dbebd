/** Warren's own version, as `deno.json` has it. */
export const WARREN_VERSION = "0.1.0";

/** The version of RabbitMQ whose behaviour it has. Some clients go by it. */
export const RABBITMQ_VERSION = "3.13.7";
