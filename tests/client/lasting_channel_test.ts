import { assertEquals, assertRejects } from "@std/assert";
import type { ChannelCore } from "../../client/channel_core.ts";
import { ConnectionLostError } from "../../client/mod.ts";
import { type Home, LastingChannel, type Owner } from "../../client/messaging/lasting_channel.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** A channel that is there until the test says that it has ended. */
function channel() {
  const ended = Promise.withResolvers<Error | undefined>();
  const core = { closed: ended.promise, replaced: false, close: () => Promise.resolve() };
  const end = (reason: Error) => {
    core.replaced = true;
    ended.resolve(reason);
  };
  return { core: core as unknown as ChannelCore, end };
}

/** A connection that is there whenever it is looked at, though it was lost in between: whoever opens a channel
 * waited for others meanwhile. */
function home(): { readonly home: Home; readonly lose: () => void; readonly told: string[] } {
  const told: string[] = [];
  let connection = 1;
  const parts = {
    openCore: () => Promise.resolve(channel().core),
    whenConnected: () => Promise.resolve(),
    returning: () => () => {},
    isClosed: () => false,
    isReconnecting: () => false,
    lossWatch: () => {
      const watched = connection;
      return () => connection !== watched;
    },
    events: { on: () => () => {}, emit: (name: string) => told.push(name) },
    clock: new ManualClock(),
  };
  return { home: parts as unknown as Home, lose: () => void connection++, told };
}

/** An owner whose `setUp` does something the first time, and fails when that throws. */
function owner(parts: Partial<Owner>): Owner {
  return {
    what: "test",
    setUp: () => Promise.resolve(),
    opened: () => {},
    lost: () => false,
    ended: () => {},
    ...parts,
  };
}

const LOST = new ConnectionLostError("Cannot go on");

Deno.test("a channel whose connection was lost while it was opened is opened on the next one, be that there already", async () => {
  const { home: connection, lose, told } = home();
  let attempts = 0;
  const lasting = await LastingChannel.open(
    connection,
    owner({
      setUp() {
        if (++attempts > 1) return Promise.resolve();
        lose();
        return Promise.reject(LOST);
      },
    }),
  );
  assertEquals([attempts, lasting.core !== undefined, told], [2, true, []]);
  await lasting.close();
});

Deno.test("a channel whose next connection is lost as well while it is opened is opened without a pause", async () => {
  const { home: connection, lose, told } = home();
  const [first, second] = [channel(), channel()];
  const cores = [first.core, channel().core, second.core];
  let attempts = 0;
  const opened = Promise.withResolvers<void>();
  const lasting = await LastingChannel.open(
    { ...connection, openCore: () => Promise.resolve(cores.shift()!) },
    owner({
      setUp() {
        if (++attempts !== 2) return Promise.resolve();
        lose();
        return Promise.reject(LOST);
      },
      opened: (core) => core === second.core && opened.resolve(),
    }),
  );
  lose();
  first.end(LOST);
  await opened.promise;
  assertEquals([attempts, told], [3, []]);
  await lasting.close();
});

Deno.test("a channel that is refused on a connection that goes on is not opened again", async () => {
  const { home: connection, lose } = home();
  let attempts = 0;
  // one that was lost before it was begun has nothing to do with it
  lose();
  const refuse = () => {
    attempts++;
    return Promise.reject(new TypeError("refused"));
  };
  const opening = LastingChannel.open(connection, owner({ setUp: refuse }));
  await assertRejects(() => opening, TypeError, "refused");
  assertEquals(attempts, 1);
});
