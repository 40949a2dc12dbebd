import { type DescMessage, fromBinary, isMessage, toBinary } from "@bufbuild/protobuf";
import type { Codec } from "@warren/amqp";

/** The content type that most programs use for Protobuf. */
export const PROTOBUF = "application/x-protobuf";

/**
 * A codec for messages of Protobuf. Which message it is stands in the property `type`, by its full name,
 * since the bytes do not say.
 *
 * @param schemas Those that may be sent and received.
 */
export function protobufCodec(...schemas: readonly DescMessage[]): Codec {
  const byName = new Map(schemas.map((schema) => [schema.typeName, schema]));
  const schemaOf = (type = "") => {
    const schema = byName.get(type);
    if (schema === undefined) {
      throw new TypeError(
        `property type is "${type}", not one of ${[...byName.keys()].join(", ")}`,
      );
    }
    return schema;
  };
  return {
    contentType: PROTOBUF,
    encode(value, { type }) {
      const schema = schemaOf(type);
      if (!isMessage(value, schema)) throw new TypeError(`it is no ${schema.typeName}`);
      return toBinary(schema, value);
    },
    decode: (bytes, { type }) => fromBinary(schemaOf(type), bytes),
  };
}
