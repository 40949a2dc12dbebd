/** What the NestJS programs share: the framework, controllers without a compiler, clients. */

import { createRequire } from "node:module";
import process from "node:process";
import { pathToFileURL } from "node:url";

export { controlBroker, Inbox, unique } from "../node/support.waiting.mjs";

const require = createRequire(process.env.INTEROP_NODE_PACKAGES);

/** Installed away from here, so that nothing else in the project sees it. */
async function load(name) {
  return await import(pathToFileURL(require.resolve(name)));
}

await load("reflect-metadata");
const { Controller, Module } = await load("@nestjs/common");
const { NestFactory } = await load("@nestjs/core");
const microservices = await load("@nestjs/microservices");
const { ClientProxyFactory, Ctx, Payload, Transport } = microservices;
export const { EventPattern, MessagePattern, RmqRecordBuilder, RpcException } = microservices;
export const rxjs = await load("rxjs");

/** Options of RabbitMQ's transport: this broker, and back soon when it is lost. */
function transport(options) {
  return {
    transport: Transport.RMQ,
    options: {
      urls: [process.env.AMQP_URL],
      socketOptions: { reconnectTimeInSeconds: 0.2 },
      ...options,
    },
  };
}

/**
 * Starts a microservice with one controller.
 *
 * @param handlers By their names: a decorator of the framework, and the method that it decorates.
 */
export async function serve(handlers, options) {
  class Handlers {}
  for (const [name, [decorate, method]] of Object.entries(handlers)) {
    Object.defineProperty(Handlers.prototype, name, {
      value: method,
      writable: true,
      configurable: true,
    });
    const descriptor = Object.getOwnPropertyDescriptor(Handlers.prototype, name);
    decorate(Handlers.prototype, name, descriptor);
    Payload()(Handlers.prototype, name, 0);
    Ctx()(Handlers.prototype, name, 1);
  }
  Controller()(Handlers);
  class App {}
  Module({ controllers: [Handlers] })(App);
  const app = await NestFactory.createMicroservice(App, { ...transport(options), logger: false });
  await app.listen();
  return app;
}

/** A client of such a microservice. */
export function client(options) {
  return ClientProxyFactory.create(transport(options));
}

/** Sends a request and gives all that is answered. */
export async function ask(proxy, pattern, data) {
  return await rxjs.lastValueFrom(proxy.send(pattern, data).pipe(rxjs.toArray()));
}

/** Sends an event, and waits until it is published. */
export async function tell(proxy, pattern, data) {
  await rxjs.lastValueFrom(proxy.emit(pattern, data), { defaultValue: undefined });
}
