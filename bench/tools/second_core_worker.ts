/**
 * The worker of `second_core.ts`: reads a socket and puts whole frames into slots of shared memory.
 *
 * @module
 */
import { FRAME_OVERHEAD } from "../../broker/amqp/constants.ts";

/** How many slots there are. */
export const SLOTS = 16;
/** The size of each in bytes. */
export const SLOT_SIZE = 64 * 1024;

/** As a worker sees itself. */
interface WorkerScope {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: unknown): void;
}

const scope = globalThis as unknown as WorkerScope;
// the program imports the sizes from here
if ("WorkerGlobalScope" in globalThis) {
  scope.onmessage = ({ data }) => serve(data.slots, data.places);
}

async function serve(slots: SharedArrayBuffer, places: Int32Array<SharedArrayBuffer>) {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  scope.postMessage(listener.addr.port);
  using socket = await listener.accept();
  const bytes = new Uint8Array(SLOT_SIZE);
  const view = new DataView(bytes.buffer);
  let [high, filled] = [0, 0];
  while (true) {
    const read = await socket.read(bytes.subarray(high));
    if (read === null) return;
    high += read;
    const end = endOfFrames(view, high);
    if (end === 0) continue;
    while (filled - Atomics.load(places, 1) >= SLOTS) {
      Atomics.wait(places, 1, Atomics.load(places, 1), 1000);
    }
    const slot = filled % SLOTS;
    new Uint8Array(slots, slot * SLOT_SIZE, SLOT_SIZE).set(bytes.subarray(0, end));
    Atomics.store(places, 2 + slot, end);
    Atomics.store(places, 0, ++filled);
    Atomics.notify(places, 0);
    bytes.copyWithin(0, end, high);
    high -= end;
  }
}

/** Where the last message ends that is whole: three frames each. */
function endOfFrames(view: DataView, high: number): number {
  let [at, end, frames] = [0, 0, 0];
  while (high - at >= FRAME_OVERHEAD) {
    const next = at + view.getUint32(at + 3) + FRAME_OVERHEAD;
    if (next > high) break;
    at = next;
    if (++frames % 3 === 0) end = at;
  }
  return end;
}
