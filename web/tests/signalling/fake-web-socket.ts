/** The other end of a WebSocket in a test's hands: what was sent, and what shall arrive. */
export class FakeWebSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 3;
  readonly sent: string[] = [];
  readyState = FakeWebSocket.CONNECTING;
  onopen: () => void = () => {};
  onclose: (event: { wasClean: boolean; code: number; reason: string }) => void = () => {};
  onmessage: (event: { data: string }) => void = () => {};
  #waiting: (() => void)[] = [];

  open(): void {
    this.readyState = FakeWebSocket.OPEN;
    this.onopen();
  }

  send(text: string): void {
    this.sent.push(text);
    for (const wake of this.#waiting.splice(0)) {
      wake();
    }
  }

  close(): void {
    this.readyState = FakeWebSocket.CLOSED;
  }

  drop(): void {
    this.readyState = FakeWebSocket.CLOSED;
    this.onclose({ wasClean: false, code: 1006, reason: "" });
  }

  receive(text: string): void {
    this.onmessage({ data: text });
  }

  /** Resolves once that many messages were sent. */
  async sentCount(count: number): Promise<void> {
    while (this.sent.length < count) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  asWebSocket(): WebSocket {
    return this as unknown as WebSocket;
  }
}

/** A request as JsSIP writes one. */
export function request(method: string, branch: string, number: number, callId = "call-1"): string {
  return [
    `${method} sip:alice@example.org;gruu;opaque=app:conf:focus:id:ID SIP/2.0`,
    `Via: SIP/2.0/WSS x.invalid;branch=${branch}`,
    "Max-Forwards: 69",
    "To: <sip:alice@example.org>",
    "From: <sip:g@anonymous.invalid>;tag=me",
    `Call-ID: ${callId}`,
    `CSeq: ${number} ${method}`,
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n");
}

/** A response to a request as it was seen on the wire. */
export function response(to: string, status: string, ...headers: string[]): string {
  const copied = to.split("\r\n").filter((line) => /^(Via|From|Call-ID|CSeq):/i.test(line));
  return [`SIP/2.0 ${status}`, ...copied, "To: <sip:alice@example.org>;tag=srv", ...headers, "", ""].join(
    "\r\n",
  );
}
