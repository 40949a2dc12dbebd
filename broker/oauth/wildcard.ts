/**
 * Patterns of scopes: `*` stands for any text, `%2F` for a slash. As in RabbitMQ each part between two
 * asterisks is looked for from the left and never again: `*a` does not fit `aba`.
 *
 * @module
 */

/** Parts between asterisks; undefined when the pattern is malformed, and fits nothing. */
function partsOf(pattern: string): string[] | undefined {
  try {
    return pattern.split("*").map((part) => decodeURIComponent(part.replaceAll("+", " ")));
  } catch {
    return undefined;
  }
}

/** Reads a pattern: the result tells whether a text fits it. */
export function wildcard(pattern: string): (text: string) => boolean {
  const parts = partsOf(pattern);
  if (parts === undefined) return () => false;
  const [first = "", ...others] = parts;
  const open = others.at(-1) === "";
  const inner = others.filter((part) => part !== "");
  return (text) => {
    if (!text.startsWith(first)) return false;
    let at = first.length;
    for (const part of inner) {
      const found = text.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return open || at === text.length;
  };
}
