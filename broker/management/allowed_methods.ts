import type { Api } from "./context.ts";

const METHODS = ["GET", "PUT", "POST", "DELETE"];

/** A path that only what is there for all paths knows. */
const NOWHERE = "/api/\0";

/** What methods the paths of an API know, `HEAD` and `OPTIONS` included; none: there is no such path. */
export class AllowedMethods {
  readonly #api: Api;
  /** How much there is for all paths, by method. */
  #everywhere: readonly number[] | undefined;

  constructor(api: Api) {
    this.#api = api;
  }

  of(path: string): readonly string[] {
    this.#everywhere ??= METHODS.map((method) => this.#matches(method, NOWHERE).length);
    let known: string[] = [];
    let isExact = false;
    for (const [at, method] of METHODS.entries()) {
      const matches = this.#matches(method, path);
      if (matches.length <= this.#everywhere[at]!) continue;
      // a word in its place is no name: `/users/bulk-delete` is nobody's
      const exact = matches.some(([[, route]]) => route.path === path);
      if (exact && !isExact) known = [];
      if (exact || !isExact) known.push(method);
      isExact ||= exact;
    }
    if (known.length === 0) return known;
    if (known[0] === "GET") known.unshift("HEAD");
    known.push("OPTIONS");
    return known;
  }

  #matches(method: string, path: string) {
    return this.#api.router.match(method, path)[0];
  }
}
