/**
 * What a broker needs when sockets lead to it. It is loaded then: a program that only connects to its
 * own broker does without.
 *
 * @module
 */
export { WireLink } from "./amqp/wire_link.ts";
export { shakeHands } from "./connection/handshake.ts";
export { Listener } from "./net/listener.ts";
