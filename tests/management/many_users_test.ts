import { assertEquals } from "@std/assert";
import { Users } from "../../broker/auth/users.ts";
import { ManagedBroker } from "./support.ts";

/** Counts how often somebody goes through all users until it is disposed of. */
function countWalks(): { readonly walks: number } & Disposable {
  const walk = Users.prototype[Symbol.iterator];
  let walks = 0;
  Users.prototype[Symbol.iterator] = function (this: Users) {
    walks++;
    return walk.call(this);
  };
  return {
    get walks() {
      return walks;
    },
    [Symbol.dispose]: () => void (Users.prototype[Symbol.iterator] = walk),
  };
}

Deno.test("What is asked of one user, or changed, does not go through all of them", async () => {
  await using managed = new ManagedBroker();
  await managed.broker.addUser("ann");
  const rights = { configure: ".*", write: ".*", read: ".*" };
  using counted = countWalks();
  const asked: [string, string, number, unknown?][] = [
    ["PUT", "/permissions/%2F/ann", 201, rights],
    ["PUT", "/permissions/%2F/ann", 204, rights],
    ["PUT", "/permissions/%2F/bob", 400, rights],
    ["GET", "/permissions/%2F/ann", 200],
    ["GET", "/permissions/%2F/bob", 404],
    ["PUT", "/topic-permissions/%2F/ann", 201, { exchange: "e", write: ".*", read: ".*" }],
    ["DELETE", "/permissions/%2F/ann", 204],
    ["PUT", "/user-limits/ann/max-channels", 204, { value: 3 }],
    ["GET", "/user-limits/ann", 200],
    ["PUT", "/users/ann", 204, { tags: "monitoring", password_hash: "" }],
    ["GET", "/users/ann", 200],
    ["GET", "/users/bob", 404],
    ["PUT", "/users/cy", 201, { tags: "" }],
    ["PUT", "/users/cy/tags", 204, { tags: "" }],
    ["PUT", "/users/bob/tags", 404, { tags: "" }],
    ["DELETE", "/users/cy", 204],
    ["POST", "/users/bulk-delete", 204, { users: ["ann", "bob"] }],
    ["POST", "/users/bulk-delete", 204, { users: ["ann"] }],
  ];
  for (const [method, path, status, body] of asked) {
    const answer = await managed.ask(method, path, body === undefined ? {} : { body });
    assertEquals([method, path, answer.status], [method, path, status]);
    assertEquals(counted.walks, 0, `${method} ${path}`);
  }
  assertEquals(managed.broker.users().map(({ name }) => name), ["guest"]);
});
