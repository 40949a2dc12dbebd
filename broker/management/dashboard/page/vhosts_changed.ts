/** Is dispatched on `document` when vhosts have come or gone by what was done on a page. */
export const VHOSTS_CHANGED = "warren-vhosts";

/** Tells whoever lists vhosts. */
export function tellVhostsChanged(): void {
  document.dispatchEvent(new Event(VHOSTS_CHANGED));
}
