import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Ending } from "../../src/signalling/ending";
import { FocusSession } from "../../src/signalling/focus-session";
import { ProvingSocket } from "../../src/signalling/proving-socket";
import type { Roster } from "../../src/signalling/roster";
import { SipAgent } from "../../src/signalling/sip-agent";
import { headerOf, requestLineOf, withHeader } from "../../src/signalling/sip-text";
import { FakeWebSocket, response } from "./fake-web-socket";

const FOCUS = "sip:alice@example.org;gruu;opaque=app:conf:focus:id:AbC-_9";
const CONTACT = `Contact: <${FOCUS}>`;

/** The focus as the other end of a WebSocket: what it was asked, and what it says. */
class Focus {
  readonly wire = new FakeWebSocket();

  /** The next request of that method that wasn't taken yet. */
  async take(method: string): Promise<string> {
    for (;;) {
      const index = this.wire.sent.findIndex((text) => requestLineOf(text)?.method === method);
      if (index >= 0) {
        return this.wire.sent.splice(index, 1)[0] ?? "";
      }
      await this.wire.sentCount(this.wire.sent.length + 1);
    }
  }

  /** The status line of the next response of the client's. */
  async answer(): Promise<string> {
    for (;;) {
      const index = this.wire.sent.findIndex((text) => text.startsWith("SIP/2.0"));
      if (index >= 0) {
        return (this.wire.sent.splice(index, 1)[0] ?? "").split("\r\n")[0] ?? "";
      }
      await this.wire.sentCount(this.wire.sent.length + 1);
    }
  }

  respond(request: string, status: string, body = "", ...headers: string[]): void {
    const text = response(request, status, ...headers, `Content-Length: ${body.length}`);
    this.wire.receive(text + body);
  }

  accept(invite: string): void {
    const requestId = /requestId="([^"]+)"/.exec(invite)?.[1];
    const user =
      '<user xmlns="urn:ietf:params:xml:ns:conference-info"><roles><entry>presenter</entry></roles></user>';
    const body = `<response xmlns="urn:ietf:params:xml:ns:cccp" requestId="${requestId}" code="success"><addUser>${user}</addUser></response>`;
    this.respond(invite, "200 OK", body, CONTACT, "Content-Type: application/cccp+xml");
  }

  /** A request within the dialog that `began` opened. */
  ask(method: string, began: string, number: number, body = "", ...headers: string[]): void {
    const target = /<([^>]+)>/.exec(headerOf(began, "Contact") ?? "")?.[1];
    const head = [
      `${method} ${target} SIP/2.0`,
      `Via: SIP/2.0/WSS example.org;branch=z9hG4bK${method}${number}`,
      "Max-Forwards: 70",
      "From: <sip:alice@example.org>;tag=srv",
      `To: ${headerOf(began, "From")}`,
      `Call-ID: ${headerOf(began, "Call-ID")}`,
      `CSeq: ${number} ${method}`,
      ...headers,
      `Content-Length: ${body.length}`,
    ];
    this.wire.receive(`${head.join("\r\n")}\r\n\r\n${body}`);
  }

  notify(subscribe: string, number: number, state: string, users: string): void {
    const body = `<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" state="${state}" version="${number}"><users>${users}</users></conference-info>`;
    const headers = ["Event: conference", "Subscription-State: active;expires=600", CONTACT];
    this.ask("NOTIFY", subscribe, number, body, ...headers, "Content-Type: application/conference-info+xml");
  }
}

/** What proves messages has its own tests. */
class UnprovenSocket extends ProvingSocket {
  protected override async prove(text: string): Promise<string> {
    return withHeader(text, "Authorization", "None");
  }

  protected override async challenged(): Promise<boolean> {
    return false;
  }
}

describe("FocusSession", () => {
  let focus: Focus;
  let agent: SipAgent;
  let session: FocusSession;
  const listener = {
    onLobby: vi.fn(),
    onEntered: vi.fn(),
    onRoster: vi.fn<(roster: Roster) => void>(),
    onOver: vi.fn<(ending: Ending) => void>(),
  };

  beforeEach(async () => {
    vi.stubGlobal("WebSocket", FakeWebSocket);
    vi.resetAllMocks();
    focus = new Focus();
    const socket = new UnprovenSocket("wss://example.org/sip", () => focus.wire.asWebSocket());
    await new Promise<void>((resolve) => {
      agent = new SipAgent(socket, "sip:bob@example.org", "Bob", {
        onConnected: resolve,
        onDisconnected: () => {},
      });
      agent.start();
      focus.wire.open();
    });
    session = new FocusSession(agent, FOCUS, listener);
    session.start();
  });

  afterEach(() => {
    agent.close();
    vi.unstubAllGlobals();
  });

  async function enter(): Promise<{ invite: string; subscribe: string }> {
    const invite = await focus.take("INVITE");
    focus.accept(invite);
    await focus.take("ACK");
    const subscribe = await focus.take("SUBSCRIBE");
    focus.respond(subscribe, "200 OK", "", CONTACT, "Expires: 600");
    return { invite, subscribe };
  }

  it("knocks with C3P and waits in the lobby until the answer comes", async () => {
    const invite = await focus.take("INVITE");
    expect(requestLineOf(invite)?.uri).toBe(FOCUS);
    expect(headerOf(invite, "Content-Type")).toBe("application/cccp+xml");
    focus.respond(invite, "183 Session Progress", "", "Vestibule-Admission: lobby");
    expect(listener.onLobby).toHaveBeenCalledOnce();
    expect(listener.onEntered).not.toHaveBeenCalled();
    focus.accept(invite);
    expect(listener.onEntered).toHaveBeenCalledWith("presenter");
  });

  it("is told when it is rejected, and asks for no roster", async () => {
    const invite = await focus.take("INVITE");
    focus.respond(invite, "183 Session Progress", "", "Vestibule-Admission: lobby");
    focus.respond(invite, "403 Forbidden", "", 'Reason: SIP;cause=403;text="rejected"');
    expect(listener.onOver).toHaveBeenCalledWith({ kind: "rejected" });
    await focus.take("ACK");
    expect(focus.wire.sent.filter((text) => text.startsWith("SUBSCRIBE"))).toEqual([]);
  });

  it("cancels the knock when one gives up waiting", async () => {
    const invite = await focus.take("INVITE");
    focus.respond(invite, "183 Session Progress", "", "Vestibule-Admission: lobby");
    session.close();
    const cancel = await focus.take("CANCEL");
    expect(headerOf(cancel, "Authorization")).toBe("None");
    expect(headerOf(cancel, "CSeq")).toBe(headerOf(invite, "CSeq")?.replace("INVITE", "CANCEL"));
    focus.respond(invite, "487 Request Terminated");
    expect(listener.onOver).not.toHaveBeenCalled();
  });

  it("says goodbye at once if the answer crosses the cancellation", async () => {
    const invite = await focus.take("INVITE");
    focus.respond(invite, "183 Session Progress", "", "Vestibule-Admission: lobby");
    session.close();
    focus.accept(invite);
    await focus.take("ACK");
    await focus.take("BYE");
    expect(listener.onEntered).not.toHaveBeenCalled();
  });

  it("follows the roster and answers each document", async () => {
    const { subscribe } = await enter();
    focus.notify(subscribe, 1, "full", '<user entity="sip:a@d"/>');
    expect(await focus.answer()).toBe("SIP/2.0 200 OK");
    focus.notify(subscribe, 2, "partial", '<user entity="sip:b@d"/>');
    expect([...(listener.onRoster.mock.lastCall?.[0].participants.keys() ?? [])]).toEqual([
      "sip:a@d",
      "sip:b@d",
    ]);
  });

  it("asks for the whole roster when a document is missing", async () => {
    const { subscribe } = await enter();
    focus.notify(subscribe, 1, "full", '<user entity="sip:a@d"/>');
    focus.notify(subscribe, 3, "partial", '<user entity="sip:b@d"/>');
    const refresh = await focus.take("SUBSCRIBE");
    expect(headerOf(refresh, "Call-ID")).toBe(headerOf(subscribe, "Call-ID"));
    expect(listener.onRoster).toHaveBeenCalledOnce();
  });

  it("hears the reason when the server ends it", async () => {
    const { invite } = await enter();
    focus.ask("BYE", invite, 1, "", 'Reason: SIP;cause=200;text="removed"');
    expect(listener.onOver).toHaveBeenCalledWith({ kind: "removed" });
    expect(await focus.answer()).toBe("SIP/2.0 200 OK");
  });

  it("returns the server's reason when a command is refused", async () => {
    await enter();
    const outcome = session.remove("sip:a@d");
    const info = await focus.take("INFO");
    const requestId = /requestId="([^"]+)"/.exec(info)?.[1];
    const body = `<response xmlns="urn:ietf:params:xml:ns:cccp" requestId="${requestId}" code="failure" reason="accessDenied"/>`;
    focus.respond(info, "200 OK", body, "Content-Type: application/cccp+xml");
    expect(await outcome).toBe("accessDenied");
  });

  it("leaves with BYE and ends the subscription", async () => {
    const { invite } = await enter();
    session.close();
    const bye = await focus.take("BYE");
    expect(headerOf(bye, "Call-ID")).toBe(headerOf(invite, "Call-ID"));
    expect(headerOf(await focus.take("SUBSCRIBE"), "Expires")).toBe("0");
    expect(listener.onOver).not.toHaveBeenCalled();
  });
});
