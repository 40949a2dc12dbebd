import { svg } from "./dom.ts";

/** The way into a burrow, and two ears. */
export function logo(): SVGElement {
  return svg(
    "svg",
    { class: "logo", viewBox: "0 0 32 32", width: 30, height: 30, "aria-hidden": "true" },
    svg("rect", { width: 32, height: 32, rx: 8 }),
    svg("path", { d: "M7 24v-3a9 9 0 0 1 18 0v3" }),
    svg("path", { d: "M12 24v-3a4 4 0 0 1 8 0v3", opacity: ".75" }),
    svg("path", { d: "M12.500 9.500 11.200 4.800M19.500 9.500l1.300-4.700" }),
  );
}
