/**
 * OAuth 2: logins by JSON Web Tokens, with scopes as RabbitMQ has them. It needs `jose` from npm, which
 * `mod.ts` does not.
 *
 * @module
 */
export { OAuth2Authenticator, type OAuth2Options } from "./oauth2_authenticator.ts";
export type { OAuth2Keys } from "./keys.ts";
export type { Authenticator, LoginAttempt, Refusal, User } from "../auth/authenticator.ts";
export type { Access, ResourceKind } from "../auth/access.ts";
export type { Permission, Permissions } from "../auth/permissions.ts";
export type { Clock } from "../amqp/clock.ts";
