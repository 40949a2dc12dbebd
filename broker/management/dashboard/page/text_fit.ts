/** What is measured with. */
let pen: CanvasRenderingContext2D | null | undefined;

/**
 * A text that fits into a width of a drawing, in pixels: what is too long loses its middle, since names
 * that begin alike differ at their ends.
 */
export function fit(text: string, width: number, size: number): string {
  pen ??= document.createElement("canvas").getContext("2d");
  if (pen === null) return text;
  pen.font = `${size}px ${getComputedStyle(document.documentElement).fontFamily}`;
  const { length } = text;
  if (pen.measureText(text).width <= width) return text;
  let [least, most] = [1, length - 1];
  while (least < most) {
    const kept = Math.ceil((least + most) / 2);
    if (pen.measureText(shortened(text, kept)).width <= width) least = kept;
    else most = kept - 1;
  }
  return shortened(text, least);
}

function shortened(text: string, kept: number): string {
  const end = Math.floor(kept / 2);
  return `${text.slice(0, kept - end)}…${end === 0 ? "" : text.slice(-end)}`;
}
