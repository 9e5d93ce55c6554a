// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, type Mock, vi } from "vitest";
import { parseChallenge } from "../../src/signalling/challenge";
import { GuestSocket } from "../../src/signalling/guest-socket";
import { branchOf, headerOf, sequenceOf } from "../../src/signalling/sip-text";
import { FakeWebSocket, request, response } from "./fake-web-socket";

const FOCUS = "sip:alice@example.org;gruu;opaque=app:conf:focus:id:ID";

function challenge(nonce: string, stale = false): string {
  const flag = stale ? ", stale=true" : "";
  return `WWW-Authenticate: Digest realm="example.org", nonce="${nonce}", algorithm=SHA-256, qop="auth"${flag}`;
}

function proofOf(text: string): ReadonlyMap<string, string> {
  return parseChallenge(headerOf(text, "Authorization") ?? "")?.parameters ?? new Map();
}

describe("GuestSocket", () => {
  let wire: FakeWebSocket;
  let socket: GuestSocket;
  let connected: Mock<() => void>;
  let received: string[];

  beforeEach(() => {
    vi.stubGlobal("WebSocket", FakeWebSocket);
    wire = new FakeWebSocket();
    const identity = {
      uri: "sip:g@anonymous.invalid",
      focus: FOCUS,
      credentials: { username: "ID", password: "the-conference-key" },
    };
    socket = new GuestSocket("wss://example.org/sip", identity, () => wire.asWebSocket());
    connected = vi.fn();
    received = [];
    socket.onconnect = () => connected();
    socket.ondata = (data) => received.push(String(data));
  });

  afterEach(() => {
    socket.disconnect();
    vi.unstubAllGlobals();
  });

  async function connect(): Promise<void> {
    const ready = new Promise<void>((resolve) => connected.mockImplementation(() => resolve()));
    socket.connect();
    wire.open();
    await wire.sentCount(1);
    wire.receive(response(wire.sent[0] ?? "", "401 Unauthorized", challenge("first")));
    await ready;
    wire.sent.length = 0;
  }

  it("asks for a nonce before the SIP library may speak, and keeps the answer to itself", async () => {
    socket.connect();
    wire.open();
    await wire.sentCount(1);
    expect(wire.sent[0]).toMatch(/^OPTIONS sip:alice@example\.org;gruu/);
    expect(connected).not.toHaveBeenCalled();
    const ready = new Promise<void>((resolve) => connected.mockImplementation(() => resolve()));
    wire.receive(response(wire.sent[0] ?? "", "401 Unauthorized", challenge("first")));
    await ready;
    expect(received).toEqual([]);
  });

  it("proves every request with a rising count, in the order of the calls", async () => {
    await connect();
    for (const [index, method] of ["INVITE", "ACK", "CANCEL", "INFO", "BYE"].entries()) {
      expect(socket.send(request(method, `b${index}`, index + 1))).toBe(true);
    }
    await wire.sentCount(5);
    expect(wire.sent.map((text) => text.split(" ")[0])).toEqual(["INVITE", "ACK", "CANCEL", "INFO", "BYE"]);
    expect(wire.sent.map((text) => proofOf(text).get("nc"))).toEqual(
      [1, 2, 3, 4, 5].map((count) => `0000000${count}`),
    );
    expect(new Set(wire.sent.map((text) => proofOf(text).get("cnonce"))).size).toBe(5);
  });

  it("sends its own responses as they are", async () => {
    await connect();
    const ok = response(request("NOTIFY", "n1", 7), "200 OK");
    socket.send(ok);
    await wire.sentCount(1);
    expect(wire.sent[0]).toBe(ok);
  });

  it("never puts the conference key on the wire", async () => {
    await connect();
    socket.send(request("INVITE", "b1", 1));
    await wire.sentCount(1);
    expect(wire.sent.join()).not.toContain("the-conference-key");
  });

  it("repeats a request whose nonce went stale, unseen by the SIP library", async () => {
    await connect();
    socket.send(request("INFO", "b1", 5));
    await wire.sentCount(1);
    wire.receive(response(wire.sent[0] ?? "", "401 Unauthorized", challenge("second", true)));
    await wire.sentCount(2);
    const again = wire.sent[1] ?? "";
    expect(proofOf(again).get("nonce")).toBe("second");
    expect(proofOf(again).get("nc")).toBe("00000001");
    expect(branchOf(again)).not.toBe("b1");
    expect(sequenceOf(again).number).toBe(6);
    expect(received).toEqual([]);
    wire.receive(response(again, "200 OK"));
    expect(received).toHaveLength(1);
    expect(branchOf(received[0] ?? "")).toBe("b1");
    expect(sequenceOf(received[0] ?? "").number).toBe(5);
  });

  it("acknowledges a challenged INVITE itself before it repeats it", async () => {
    await connect();
    socket.send(request("INVITE", "b1", 1));
    await wire.sentCount(1);
    wire.receive(response(wire.sent[0] ?? "", "401 Unauthorized", challenge("second", true)));
    await wire.sentCount(3);
    const [, ack = "", invite = ""] = wire.sent;
    expect(ack).toMatch(/^ACK /);
    expect(branchOf(ack)).toBe("b1");
    expect(headerOf(ack, "To")).toContain("tag=srv");
    expect(invite).toMatch(/^INVITE /);
    expect(sequenceOf(invite).number).toBe(2);
  });

  it("passes a 401 that is not stale on: the key is wrong", async () => {
    await connect();
    socket.send(request("INVITE", "b1", 1));
    await wire.sentCount(1);
    wire.receive(response(wire.sent[0] ?? "", "401 Unauthorized", challenge("second")));
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(wire.sent).toHaveLength(1);
  });

  it("repeats a request only once", async () => {
    await connect();
    socket.send(request("INFO", "b1", 5));
    await wire.sentCount(1);
    wire.receive(response(wire.sent[0] ?? "", "401 Unauthorized", challenge("second", true)));
    await wire.sentCount(2);
    wire.receive(response(wire.sent[1] ?? "", "401 Unauthorized", challenge("third", true)));
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(wire.sent).toHaveLength(2);
  });

  it("says that it is gone when the connection drops", async () => {
    await connect();
    const gone = vi.fn();
    socket.ondisconnect = gone;
    wire.drop();
    expect(gone).toHaveBeenCalledWith(true, 1006, "");
    expect(socket.send(request("INFO", "b1", 5))).toBe(false);
  });
});
