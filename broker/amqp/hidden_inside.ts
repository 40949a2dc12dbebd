/**
 * Has the objects of a class shown in logs as their `toJSON` says, and not with their inside: they get into the
 * hands of others, such as the authors of exchange types, and where each message passes the members of a
 * class are hidden by the compiler alone.
 *
 * @param of The class.
 */
export function hideInside(
  of: { readonly name: string; readonly prototype: { toJSON(): unknown } },
): void {
  Object.defineProperty(of.prototype, Symbol.for("nodejs.util.inspect.custom"), {
    value(this: { toJSON(): unknown }, _depth: number, options: unknown, inspect: Inspect) {
      return `${of.name} ${inspect(this.toJSON(), options)}`;
    },
  });
}

/** How a runtime shows a value as text. */
type Inspect = (value: unknown, options: unknown) => string;
