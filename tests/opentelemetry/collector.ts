/** A span as OTLP has it in JSON, with its attributes and resource made plain. */
export interface CollectedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** 4: producer, 5: consumer. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status: { readonly code: number; readonly message: string };
  readonly scope: string;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Exported {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly (Omit<CollectedSpan, "attributes" | "service" | "scope"> & {
        readonly attributes: readonly Attribute[];
      })[];
    }[];
  }[];
}

/** Stands where an OpenTelemetry collector would: takes what a runtime exports by OTLP over HTTP. */
export class Collector implements AsyncDisposable {
  readonly spans: CollectedSpan[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    const where = { hostname: "127.0.0.1", port: 0, onListen() {} };
    this.#server = Deno.serve(where, async (request) => {
      const text = await request.text();
      if (new URL(request.url).pathname === "/v1/traces") this.#take(JSON.parse(text));
      return Response.json({});
    });
  }

  /** The environment in which a program of Deno exports to this. */
  env(service: string): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_DENO_CONSOLE: "ignore",
      OTEL_SERVICE_NAME: service,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
    };
  }

  #take({ resourceSpans }: Exported): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = `${plain(resource.attributes)["service.name"]}`;
      for (const { scope, spans } of scopeSpans) {
        for (const span of spans) {
          const attributes = plain(span.attributes);
          this.spans.push({ ...span, attributes, service, scope: scope.name });
        }
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function plain(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
