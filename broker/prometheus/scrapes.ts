import { CONTENT_TYPE, labelsOf } from "./text.ts";

/** What scraping itself costs, by endpoint, as RabbitMQ tells it. */
export class Scrapes {
  readonly #counts = new Map<string, { scrapes: number; seconds: number; size: number }>();

  /** One is over. */
  note(registry: string, seconds: number, size: number): void {
    const count = this.#counts.get(registry) ?? { scrapes: 0, seconds: 0, size: 0 };
    count.scrapes++;
    count.seconds += seconds;
    count.size += size;
    this.#counts.set(registry, count);
  }

  /** The lines about those before. */
  *lines(registry: string): Generator<string, void, undefined> {
    const labels = labelsOf({ registry, content_type: CONTENT_TYPE });
    const count = this.#counts.get(registry);
    for (
      const [name, help, sum] of [
        ["telemetry_scrape_duration_seconds", "Scrape duration", count?.seconds],
        ["telemetry_scrape_size_bytes", "Scrape size, not encoded", count?.size],
      ] as const
    ) {
      yield `# TYPE ${name} summary\n# HELP ${name} ${help}\n`;
      if (count === undefined) continue;
      yield `${name}_count${labels} ${count.scrapes}\n${name}_sum${labels} ${sum}\n`;
    }
  }
}
