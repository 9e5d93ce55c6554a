// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type AgreedKeys, Association } from "../../src/signalling/association";
import { AssociationSocket } from "../../src/signalling/association-socket";
import { toBase64Url } from "../../src/signalling/base64url";
import { canonicalForm } from "../../src/signalling/canonical-form";
import { headerOf, withHeader } from "../../src/signalling/sip-text";
import { FakeWebSocket, request, response } from "./fake-web-socket";

const LIFETIME = 1_000_000;
const STALE = 'WWW-Authenticate: Association realm="d", stale=true';

/** A server that makes associations and signs what it says. */
class Server {
  readonly made: Association[] = [];
  #keys: CryptoKey[] = [];
  #sent = 0;

  async make(): Promise<Association> {
    const hmac = { name: "HMAC", hash: "SHA-256", length: 256 } as const;
    const key = () => crypto.subtle.generateKey(hmac, false, ["sign", "verify"]);
    const keys: AgreedKeys = { fromClient: await key(), fromServer: await key() };
    const id = String(this.made.length).padStart(22, "0");
    const association = new Association(id, keys, Date.now(), LIFETIME);
    this.made.push(association);
    this.#keys.push(keys.fromServer);
    return association;
  }

  async signed(text: string, index = this.made.length - 1): Promise<string> {
    this.#sent += 1;
    const key = this.#keys[index];
    if (!key) {
      throw new Error("no such association");
    }
    const form = await canonicalForm(text, "server-to-client", this.#sent);
    const mac = toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", key, form)));
    const proof = `id="${this.made[index]?.id}", seq=${this.#sent}, mac="${mac}"`;
    return withHeader(text, "Association-Proof", proof);
  }
}

describe("AssociationSocket", () => {
  let wire: FakeWebSocket;
  let server: Server;
  let received: string[];
  let ends: number;

  beforeEach(() => {
    vi.stubGlobal("WebSocket", FakeWebSocket);
    wire = new FakeWebSocket();
    server = new Server();
    received = [];
    ends = 0;
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  async function connected(source = () => server.make()): Promise<AssociationSocket> {
    const socket = new AssociationSocket("wss://example.org/sip", source, () => wire.asWebSocket());
    socket.ondata = (data) => received.push(String(data));
    socket.ondisconnect = () => {
      ends += 1;
    };
    await new Promise<void>((resolve) => {
      socket.onconnect = resolve;
      socket.connect();
      wire.open();
    });
    return socket;
  }

  const numberOf = (text: string) =>
    /seq=(\d+)/.exec(headerOf(text, "Authorization") ?? headerOf(text, "Association-Proof") ?? "")?.[1];

  it("signs requests and responses in the order in which they were sent", async () => {
    const socket = await connected();
    const requests = ["INVITE", "ACK", "CANCEL", "INFO", "BYE"];
    for (const [index, method] of requests.entries()) {
      socket.send(request(method, `b${index}`, index + 1));
      socket.send(response(request("NOTIFY", `n${index}`, index + 1), "200 OK"));
    }
    await wire.sentCount(10);
    expect(wire.sent.map(numberOf)).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
    expect(wire.sent[0]).toMatch(
      /^INVITE .*\r\nAuthorization: Association id="0{22}", seq=1, mac="[\w-]{43}"/,
    );
    expect(wire.sent[1]).toMatch(/^SIP.*\r\nAssociation-Proof: id="0{22}", seq=2, mac="[\w-]{43}"/);
  });

  it("passes on what the server signed, in order", async () => {
    await connected();
    const texts = [1, 2, 3].map((number) => request("NOTIFY", `n${number}`, number));
    for (const text of texts) {
      wire.receive(await server.signed(text));
    }
    await vi.waitFor(() => expect(received).toHaveLength(3));
    expect(received.map((text) => headerOf(text, "CSeq"))).toEqual(["1 NOTIFY", "2 NOTIFY", "3 NOTIFY"]);
    wire.receive("\r\n");
    expect(ends).toBe(0);
  });

  it.each([
    ["unsigned", (text: string) => text.replace(/Association-Proof.*\r\n/, "")],
    ["altered", (text: string) => text.replace("sip:g@anonymous", "sip:h@anonymous")],
    ["of another association", (text: string) => text.replace('id="0', 'id="1')],
    ["signed twice", (text: string) => text.replace(/(Association-Proof.*\r\n)/, "$1$1")],
  ])("ends the connection when a message is %s", async (_what, change) => {
    await connected();
    wire.receive(change(await server.signed(request("NOTIFY", "n1", 1))));
    wire.receive(await server.signed(request("NOTIFY", "n2", 2)));
    await vi.waitFor(() => expect(ends).toBe(1));
    expect(received).toEqual([]);
  });

  it("ends the connection when a message comes again", async () => {
    await connected();
    const text = await server.signed(request("NOTIFY", "n1", 1));
    wire.receive(text);
    wire.receive(text);
    await vi.waitFor(() => expect(ends).toBe(1));
    expect(received).toHaveLength(1);
  });

  it("takes a bare refusal until the server has proven itself, and nothing bare afterwards", async () => {
    const socket = await connected();
    socket.send(request("INFO", "b1", 1));
    await wire.sentCount(1);
    wire.receive(response(wire.sent[0] ?? "", "503 Service Unavailable"));
    await vi.waitFor(() => expect(received).toHaveLength(1));
    wire.receive(await server.signed(request("NOTIFY", "n1", 1)));
    wire.receive(response(wire.sent[0] ?? "", "503 Service Unavailable"));
    await vi.waitFor(() => expect(ends).toBe(1));
    expect(received).toHaveLength(2);
  });

  it("makes a new association and repeats the request when the old one is refused", async () => {
    const socket = await connected();
    socket.send(request("INFO", "b1", 1));
    await wire.sentCount(1);
    wire.receive(response(wire.sent[0] ?? "", "401 Unauthorized", STALE));
    await wire.sentCount(2);
    expect(headerOf(wire.sent[1] ?? "", "Authorization")).toContain(`id="${"1".padStart(22, "0")}", seq=1`);
    expect(received).toEqual([]);
    wire.receive(await server.signed(response(wire.sent[1] ?? "", "200 OK")));
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(ends).toBe(0);
  });

  it("renews before the end, unseen, and understands the server's older signature meanwhile", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const socket = await connected();
    await vi.advanceTimersByTimeAsync(LIFETIME * 0.8 - 1);
    expect(server.made).toHaveLength(1);
    vi.advanceTimersByTime(1);
    await vi.waitFor(() => expect(server.made).toHaveLength(2));
    wire.receive(await server.signed(request("NOTIFY", "n1", 1), 0));
    socket.send(request("INFO", "b1", 1));
    await wire.sentCount(1);
    expect(headerOf(wire.sent[0] ?? "", "Authorization")).toContain(`id="${"1".padStart(22, "0")}", seq=1`);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(ends).toBe(0);
  });

  it("never signs with an association that has ended", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const socket = await connected();
    vi.setSystemTime(Date.now() + LIFETIME);
    socket.send(request("INFO", "b1", 1));
    await wire.sentCount(1);
    expect(server.made).toHaveLength(2);
    expect(headerOf(wire.sent[0] ?? "", "Authorization")).toContain(`id="${"1".padStart(22, "0")}"`);
  });

  it("makes no more once the connection is closed", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const socket = await connected();
    socket.disconnect();
    await vi.advanceTimersByTimeAsync(LIFETIME * 3);
    expect(server.made).toHaveLength(1);
  });

  it("does not connect when no association can be had", async () => {
    const refused = () => Promise.reject(new Error("signed out"));
    const socket = new AssociationSocket("wss://example.org/sip", refused, () => wire.asWebSocket());
    const gone = new Promise<boolean>((resolve) => {
      socket.ondisconnect = resolve;
    });
    socket.connect();
    wire.open();
    expect(await gone).toBe(true);
    expect(wire.sent).toEqual([]);
  });
});
