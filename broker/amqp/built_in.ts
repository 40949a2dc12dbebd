/**
 * Modules of the runtime that are loaded when they are needed first. Each of `node:crypto`, `node:fs`
 * and `node:process` takes 20 to 40 ms, since half of Node comes with it: an eighth of a broker's start,
 * for what a broker in memory may never need.
 *
 * @module
 */

/** The modules by name. */
interface BuiltIns {
  readonly async_hooks: typeof import("node:async_hooks");
  readonly crypto: typeof import("node:crypto");
  readonly fs: typeof import("node:fs");
  readonly path: typeof import("node:path");
  readonly process: typeof import("node:process");
  readonly v8: typeof import("node:v8");
  readonly zlib: typeof import("node:zlib");
}

/** The module of that name; loaded without giving others their turn, so that constructors can use it. */
export function builtIn<Name extends keyof BuiltIns>(name: Name): BuiltIns[Name] {
  // the global, since importing the module would be loading it
  const { process: node } = globalThis as unknown as { process: typeof import("node:process") };
  return node.getBuiltinModule(name) as unknown as BuiltIns[Name];
}
