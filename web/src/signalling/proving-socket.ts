/**
 * The socket under the SIP library: SIP over WebSocket (RFC 7118), with one place through which every
 * outgoing text passes (requests, responses, ACK and CANCEL too) and every incoming one. Subclasses put
 * the proof of identity on there; the library knows nothing of it.
 */
import { randomToken } from "./digest";
import { acknowledgement, RetryLedger } from "./retry-ledger";
import { branchOf, headersOf, type RequestLine, requestLineOf, sequenceOf, statusOf } from "./sip-text";

/** The part of WebSocket that is used here; tests hand in their own. */
export type WebSocketMaker = (url: string, protocol: string) => WebSocket;

/** Between the keep-alives of RFC 5626 section 3.5.1, in milliseconds: well below any idle limit. */
const KEEP_ALIVE_INTERVAL = 60_000;
const KEEP_ALIVE = "\r\n\r\n";

export abstract class ProvingSocket {
  via_transport = "WSS";
  readonly url: string;
  readonly sip_uri: string;
  // Set by the SIP library before it calls connect().
  onconnect: () => void = () => {};
  ondisconnect: (error: boolean, code?: number, reason?: string) => void = () => {};
  ondata: <T>(data: T) => void = () => {};

  /** Whether `examine` has to see what comes in; if not, it passes at once. */
  protected readonly examines: boolean = false;

  readonly #open: WebSocketMaker;
  #socket: WebSocket | null = null;
  #ledger = new RetryLedger(newBranch);
  /** Proofs are made asynchronously but must leave in the order of the calls. */
  #outbox: Promise<void> = Promise.resolve();
  /** The same for what comes in, where it has to be examined. */
  #inbox: Promise<void> = Promise.resolve();
  #keepAlive: ReturnType<typeof setInterval> | undefined;

  constructor(url: string, open: WebSocketMaker = (to, protocol) => new WebSocket(to, protocol)) {
    this.url = url;
    this.sip_uri = `sip:${new URL(url).host};transport=ws`;
    this.#open = open;
  }

  connect(): void {
    if (this.#socket) {
      return;
    }
    const socket = this.#open(this.url, "sip");
    this.#socket = socket;
    this.#ledger = new RetryLedger(newBranch);
    this.#outbox = this.#inbox = Promise.resolve();
    socket.onopen = () => this.#greet(socket);
    socket.onmessage = ({ data }) => this.#receive(socket, data);
    socket.onclose = ({ wasClean, code, reason }) => this.#closed(socket, !wasClean, code, reason);
  }

  disconnect(): void {
    const socket = this.#socket;
    if (socket) {
      this.#forget();
      // What is still in the outbox (a BYE, say) goes out first.
      this.#outbox.finally(() => socket.close(1000));
    }
  }

  isConnected(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  isConnecting(): boolean {
    return this.#socket?.readyState === WebSocket.CONNECTING;
  }

  /** Take one message of the SIP library's; false if there is no connection to put it on. */
  send(message: unknown): boolean {
    const socket = this.#socket;
    if (!socket || socket.readyState !== WebSocket.OPEN || typeof message !== "string") {
      return false;
    }
    this.#enqueue(socket, async () => {
      const request = requestLineOf(message);
      return request ? this.prove(this.#ledger.outgoing(message), request) : this.sign(message);
    });
    return true;
  }

  /** Whatever has to be said before the SIP library may speak, such as asking for a nonce. */
  protected async greet(_transmit: (text: string) => void): Promise<void> {}

  /** The request with its proof of identity. A rejection ends the connection. */
  protected abstract prove(text: string, request: RequestLine): Promise<string>;

  /** The same for what is no request. Digests prove requests only, so nothing is added. */
  protected async sign(text: string): Promise<string> {
    return text;
  }

  /** A 401 came for one of our requests: true if a new proof is at hand and the request is worth repeating. */
  protected abstract challenged(challenges: readonly string[]): Promise<boolean>;

  /** Check that an incoming message is the server's; a rejection ends the connection. */
  protected async examine(_text: string): Promise<void> {}

  /** The connection is over. */
  protected ended(): void {}

  /** Look at an incoming text before the SIP library does; true if it was meant for this socket alone. */
  protected intercept(_text: string): boolean {
    return false;
  }

  async #greet(socket: WebSocket): Promise<void> {
    try {
      await this.greet((text) => socket.send(text));
    } catch (error) {
      this.#fail(socket, error);
      return;
    }
    if (socket === this.#socket) {
      this.#keepAlive = setInterval(() => this.#enqueue(socket, async () => KEEP_ALIVE), KEEP_ALIVE_INTERVAL);
      this.onconnect();
    }
  }

  #enqueue(socket: WebSocket, make: () => Promise<string>): void {
    this.#outbox = this.#outbox
      .then(make)
      .then((text) => {
        if (socket.readyState === WebSocket.OPEN) {
          socket.send(text);
        }
      })
      .catch((error: unknown) => this.#fail(socket, error));
  }

  #receive(socket: WebSocket, data: unknown): void {
    if (socket !== this.#socket) {
      return;
    }
    if (typeof data !== "string" || isKeepAlive(data)) {
      return;
    }
    if (this.examines) {
      this.#inbox = this.#inbox.then(() => this.#takeExamined(socket, data));
    } else {
      this.#take(socket, data);
    }
  }

  async #takeExamined(socket: WebSocket, data: string): Promise<void> {
    if (socket !== this.#socket) {
      return;
    }
    try {
      await this.examine(data);
    } catch (error) {
      this.#fail(socket, error);
      return;
    }
    // Apart from this, so that what the library throws is no reason to take no more.
    queueMicrotask(() => this.#take(socket, data));
  }

  #take(socket: WebSocket, data: string): void {
    if (socket !== this.#socket || this.intercept(data)) {
      return;
    }
    if (statusOf(data) === 401 && this.#ledger.onWire(branchOf(data)) !== null) {
      this.#repeatOrPass(socket, data);
    } else {
      this.ondata(this.#ledger.incoming(data));
    }
  }

  async #repeatOrPass(socket: WebSocket, response: string): Promise<void> {
    const again = await this.challenged(headersOf(response, "WWW-Authenticate")).catch(() => false);
    const challenged = this.#ledger.onWire(branchOf(response));
    const repeated = again ? this.#ledger.repeat(branchOf(response)) : null;
    if (challenged === null || repeated === null) {
      this.ondata(this.#ledger.incoming(response));
      return;
    }
    if (sequenceOf(response).method === "INVITE") {
      this.#enqueueProven(socket, acknowledgement(challenged, response));
    }
    this.#enqueueProven(socket, repeated);
  }

  #enqueueProven(socket: WebSocket, text: string): void {
    const request = requestLineOf(text);
    if (request) {
      this.#enqueue(socket, () => this.prove(text, request));
    }
  }

  #fail(socket: WebSocket, error: unknown): void {
    if (socket === this.#socket) {
      socket.close();
      this.#closed(socket, true, 0, error instanceof Error ? error.message : "");
    }
  }

  #closed(socket: WebSocket, failed: boolean, code: number, reason: string): void {
    if (socket === this.#socket) {
      this.#forget();
      this.ondisconnect(failed, code, reason);
    }
  }

  #forget(): void {
    clearInterval(this.#keepAlive);
    this.ended();
    this.#socket = null;
  }
}

function isKeepAlive(text: string): boolean {
  return text === "\r\n" || text === KEEP_ALIVE;
}

/** A branch of RFC 3261 section 8.1.1.7. */
export function newBranch(): string {
  return `z9hG4bK${randomToken()}`;
}
