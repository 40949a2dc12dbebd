import type { ConfigLine } from "./config_lines.ts";
import type { FileOptions } from "./file_options.ts";

/** Takes a key that says where AMQP is listened for; false when it is none. */
export function takeListener(line: ConfigLine, options: FileOptions): boolean {
  const { key, value } = line;
  const [, protocol] = /^listeners\.(tcp|ssl)(?:\.[^.]+)?$/.exec(key) ?? [];
  if (protocol === undefined) return false;
  if (key === "listeners.tcp" && value === "none") {
    options.set("no-tcp", "true", line);
    return true;
  }
  const [, socket] = /^(?:unix|local):(.+?)(?::0)?$/.exec(value) ?? [];
  if (protocol === "tcp" && socket !== undefined) {
    options.set("unix", socket, line);
    return true;
  }
  const [, , host, port] = /^((?:\[?([0-9A-Za-z.:]+?)\]?):)?(\d+)$/.exec(value) ?? [];
  if (port === undefined) throw line.fail(`${key} takes a port, or an address and a port`);
  const prefix = protocol === "ssl" ? "tls-" : "";
  const first = options.get(`${prefix}port`);
  if (first !== undefined && first !== port) {
    options.add(`${prefix}listen`, value, line.line);
    return true;
  }
  options.set(`${prefix}port`, port, line);
  if (host !== undefined) options.add(`${prefix}host`, host, line.line);
  return true;
}
