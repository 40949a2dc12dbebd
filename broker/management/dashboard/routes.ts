import type { Api, Call } from "../context.ts";
import { FILES } from "./files.ts";

/**
 * What the page may do: run and load what it was served with, and ask the API beside it. Nothing comes
 * from elsewhere, and nothing that a message or a name contains can become a script.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** The page for people, at `/`: whoever loads it knows nothing yet, so nobody has to log in for it. */
export function dashboardRoutes(api: Api): void {
  for (const { path, type, text, tag } of FILES) {
    const headers = {
      "content-type": type,
      "content-security-policy": POLICY,
      "cross-origin-opener-policy": "same-origin",
      // asked for anew each time, and answered with 304 until the next version
      "cache-control": "no-cache",
      etag: `"${tag}"`,
    };
    api.get(
      path,
      (call) => isKnown(call, tag) ? call.body(null, 304, headers) : call.body(text, 200, headers),
    );
  }
}

/** True when a browser has this version. What compresses on the way makes tags weak. */
function isKnown({ req }: Call, tag: string): boolean {
  const known = req.header("if-none-match") ?? "";
  return known.split(",").some((one) => one.trim().replace(/^W\//, "") === `"${tag}"`);
}
