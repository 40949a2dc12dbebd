import { assertEquals } from "@std/assert";
import { TagRanges } from "../../broker/connection/tag_ranges.ts";

Deno.test("TagRanges has all tags in the order in which they were added", () => {
  const added = [5, 1, 2, 3, 7, 8, 10, 4, 5, 0];
  const tags = new TagRanges();
  assertEquals([tags.empty, [...tags]], [true, []]);
  for (const tag of added) tags.add(tag);
  assertEquals([tags.empty, [...tags]], [false, added]);
});
