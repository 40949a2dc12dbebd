import type { FieldTable, FieldValue } from "./field_table.ts";

/** What a table may weigh that is kept as an object, in bytes. */
const LIGHT_MAX = 1024;
/** What an item takes besides a text. */
const ITEM_WEIGHT = 32;

/** True for a table that takes much more memory as an object than encoded, or may do so. */
export function isHeavy(table: FieldTable): boolean {
  return lighter(table, LIGHT_MAX) < 0;
}

/** What is left of so many bytes once a value is taken from them; less than nothing as soon as too few are. */
function lighter(value: FieldValue | undefined, left: number): number {
  if (typeof value === "string") return left - value.length;
  if (typeof value !== "object" || value === null) return left;
  if (ArrayBuffer.isView(value)) return left - value.byteLength;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && left >= 0; index++) {
      left = lighter(value[index], left - ITEM_WEIGHT);
    }
    return left;
  }
  for (const name in value) {
    if (left < 0) break;
    left = lighter((value as FieldTable)[name], left - ITEM_WEIGHT - name.length);
  }
  return left;
}
