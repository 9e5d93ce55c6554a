// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BearerSocket } from "../../src/signalling/bearer-socket";
import { headerOf } from "../../src/signalling/sip-text";
import { FakeWebSocket, request, response } from "./fake-web-socket";

describe("BearerSocket", () => {
  let wire: FakeWebSocket;
  let received: string[];

  beforeEach(() => {
    vi.stubGlobal("WebSocket", FakeWebSocket);
    wire = new FakeWebSocket();
    received = [];
  });

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  async function connected(token: (renew: boolean) => Promise<string>): Promise<BearerSocket> {
    const socket = new BearerSocket("wss://example.org/sip", token, () => wire.asWebSocket());
    socket.ondata = (data) => received.push(String(data));
    await new Promise<void>((resolve) => {
      socket.onconnect = resolve;
      socket.connect();
      wire.open();
    });
    return socket;
  }

  it("keeps the order although tokens come late", async () => {
    const release: ((token: string) => void)[] = [];
    const socket = await connected(() => new Promise((resolve) => release.push(resolve)));
    socket.send(request("INVITE", "b1", 1));
    const ok = response(request("NOTIFY", "n1", 1), "200 OK");
    socket.send(ok);
    socket.send(request("BYE", "b2", 2));
    await vi.waitFor(() => expect(release).toHaveLength(1));
    expect(wire.sent).toHaveLength(0);
    release[0]?.("one");
    await vi.waitFor(() => expect(release).toHaveLength(2));
    release[1]?.("two");
    await wire.sentCount(3);
    expect(wire.sent.map((text) => headerOf(text, "Authorization"))).toEqual([
      "Bearer one",
      null,
      "Bearer two",
    ]);
  });

  it("repeats a request once with a new token when the old one is refused", async () => {
    let current = "old";
    const socket = await connected(async (renew) => {
      current = renew ? "new" : current;
      return current;
    });
    socket.send(request("INFO", "b1", 1));
    await wire.sentCount(1);
    const refusal =
      'WWW-Authenticate: Bearer realm="d", authz_server="https://h/identity", error="invalid_token"';
    wire.receive(response(wire.sent[0] ?? "", "401 Unauthorized", refusal));
    await wire.sentCount(2);
    expect(headerOf(wire.sent[1] ?? "", "Authorization")).toBe("Bearer new");
    expect(received).toEqual([]);
  });

  it("ends the connection when no token can be had", async () => {
    const socket = await connected(() => Promise.reject(new Error("signed out")));
    const gone = new Promise<boolean>((resolve) => {
      socket.ondisconnect = resolve;
    });
    socket.send(request("INVITE", "b1", 1));
    expect(await gone).toBe(true);
    expect(wire.sent).toEqual([]);
  });
});
