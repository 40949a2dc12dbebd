/** A tab of a browser, as the DevTools protocol has it: where it goes, and what it hears. */

/** What the protocol tells unasked. */
interface DevtoolsEvent {
  readonly method: string;
  readonly params: {
    readonly response?: { readonly status: number };
    readonly errorMessage?: string;
  };
}

/** A connection to the DevTools of one tab. */
export class Tab implements Disposable {
  readonly #socket: WebSocket;
  readonly #replies = new Map<number, (result: unknown) => void>();
  readonly #events: DevtoolsEvent[] = [];
  /** Called at the next event. */
  #onEvent: () => void = () => {};
  #session: string | undefined;
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      const { id, result, error, ...event } = JSON.parse(data);
      if (id === undefined) {
        this.#events.push(event);
        this.#onEvent();
      } else this.#replies.get(id)?.(result ?? error);
    };
  }

  /** Opens an empty tab; the address is what the browser prints when it begins. */
  static async open(browserUrl: string): Promise<Tab> {
    const socket = new WebSocket(browserUrl);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    const tab = new Tab(socket);
    const { targetId } = await tab.#ask("Target.createTarget", { url: "about:blank" });
    const attach = { targetId, flatten: true };
    const { sessionId } = await tab.#ask("Target.attachToTarget", attach);
    tab.#session = sessionId;
    await tab.#ask("Network.enable");
    return tab;
  }

  /** Loads a page. */
  async navigate(url: string): Promise<void> {
    await this.#ask("Page.navigate", { url });
  }

  /** As `webSocketStatuses`, once there is one: the page may know of it before. */
  async firstStatuses(): Promise<string[]> {
    while (this.webSocketStatuses.length === 0) {
      await new Promise<void>((resolve) => this.#onEvent = resolve);
    }
    return this.webSocketStatuses;
  }

  /** The HTTP statuses with which WebSockets were answered, as text; 101 opens one. */
  get webSocketStatuses(): string[] {
    return this.#events.flatMap(({ method, params: { response, errorMessage } }) => {
      if (method === "Network.webSocketHandshakeResponseReceived") return [`${response?.status}`];
      if (method !== "Network.webSocketFrameError") return [];
      return [/response code: (\d+)/.exec(`${errorMessage}`)?.[1] ?? `${errorMessage}`];
    });
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #ask(method: string, params: object = {}): Promise<Record<string, string>> {
    const id = ++this.#lastId;
    const reply = new Promise<unknown>((resolve) => this.#replies.set(id, resolve));
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    return reply as Promise<Record<string, string>>;
  }
}
