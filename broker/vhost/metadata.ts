import { DefinitionError } from "../policy/error.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../policy/json.ts";
import type { FieldTable } from "../amqp/field_table.ts";
import type { QueueType } from "../queue/queue_arguments.ts";

/** What is said of a vhost. */
export interface VhostMetadata {
  /** What it is for. */
  readonly description: string;
  /** Words by which it can be found. */
  readonly tags: readonly string[];
  /** The type of queues that are declared without `x-queue-type`; undefined: classic. */
  readonly defaultQueueType: "classic" | "quorum" | "stream" | undefined;
  /** True when it cannot be deleted. */
  readonly protectedFromDeletion: boolean;
}

const QUEUE_TYPES: readonly QueueType[] = ["classic", "quorum", "stream"];

/**
 * Checks what is said of a vhost.
 *
 * @param value As RabbitMQ has it in definitions: `description`, `tags`, `default_queue_type`,
 * `protected_from_deletion`.
 * @param former What holds for what is not said.
 * @throws {DefinitionError} When something about it is wrong.
 */
export function checkMetadata(value: JsonObject, former: VhostMetadata): VhostMetadata {
  const {
    description = former.description,
    tags = [...former.tags],
    default_queue_type: defaultQueueType,
    protected_from_deletion: protectedFromDeletion = former.protectedFromDeletion,
  } = value;
  return Object.freeze({
    description: typeof description === "string" ? description : "",
    tags: Object.freeze(asTags(tags)),
    defaultQueueType: checkQueueType(defaultQueueType, former.defaultQueueType),
    protectedFromDeletion: protectedFromDeletion === true,
  });
}

/** Metadata in the form that definitions have them. */
export function metadataValue(metadata: VhostMetadata): JsonObject {
  const { description, tags, defaultQueueType, protectedFromDeletion } = metadata;
  return {
    description,
    tags: [...tags],
    ...defaultQueueType === undefined ? {} : { default_queue_type: defaultQueueType },
    ...protectedFromDeletion ? { protected_from_deletion: true } : {},
  };
}

/** What is said of a new vhost of this name. */
export function newMetadata(name: string): VhostMetadata {
  return Object.freeze({
    description: name === "/" ? "Default virtual host" : "",
    tags: Object.freeze([]),
    defaultQueueType: undefined,
    protectedFromDeletion: false,
  });
}

/**
 * The arguments of a queue that is declared, with the vhost's default type where none is named and the
 * queue can have it: a queue that is exclusive, or goes by itself, can only be classic.
 */
export function withDefaultQueueType(
  declared: {
    readonly durable: boolean;
    readonly exclusive: boolean;
    readonly autoDelete: boolean;
    readonly arguments: FieldTable;
  },
  type: QueueType | undefined,
): FieldTable {
  const { durable, exclusive, autoDelete, arguments: arguments_ } = declared;
  if (type === undefined || arguments_["x-queue-type"] !== undefined) return arguments_;
  if (type !== "classic" && (!durable || exclusive || autoDelete)) return arguments_;
  return { ...arguments_, "x-queue-type": type };
}

/** RabbitMQ has written all of these for "none". */
function checkQueueType(
  type: JsonValue | undefined,
  former: QueueType | undefined,
): QueueType | undefined {
  if (type === undefined) return former;
  if (type === null || type === "" || type === "undefined") return undefined;
  const known = QUEUE_TYPES.find((name) => name === type);
  if (known !== undefined) return known;
  const text = typeof type === "string" ? type : JSON.stringify(type);
  throw new DefinitionError("invalid", `${text} is not a valid queue type`);
}

/** Tags, which may also come as one text with commas. */
function asTags(tags: JsonValue): string[] {
  if (typeof tags === "string") return tags.split(",").map((tag) => tag.trim()).filter(Boolean);
  if (tags === null || isJsonObject(tags)) return [];
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [];
}
