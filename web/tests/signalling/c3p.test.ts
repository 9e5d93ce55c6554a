import { describe, expect, it } from "vitest";
import {
  givenRoleOf,
  joinFocus,
  joinMedia,
  mediaAccessOf,
  modifyEndpointMedia,
  modifyUserRole,
  parseResponse,
  recordingCommand,
  recordingProgressOf,
  setLobbyAccess,
  setRecordingConsent,
} from "../../src/signalling/c3p";
import { child, children, childText, parseXml } from "../../src/signalling/xml";

const PARTIES = {
  focus: "sip:alice@d;gruu;opaque=app:conf:focus:id:AbC-_9",
  self: 'sip:b&b"@d',
};

function command(text: string, name: string): Element {
  const root = parseXml(text);
  expect(root?.localName).toBe("request");
  expect(root?.getAttribute("to")).toBe(PARTIES.focus);
  expect(root?.getAttribute("from")).toBe(PARTIES.self);
  expect(root?.getAttribute("requestId")).toBe("7");
  const element = child(root, name);
  expect(element).not.toBeNull();
  return element as Element;
}

describe("C3P requests", () => {
  it("joins the focus as whoever one is, with every character escaped", () => {
    const join = command(joinFocus(PARTIES, "7", "{guid}"), "addUser");
    expect(child(join, "user")?.getAttribute("entity")).toBe(PARTIES.self);
    expect(childText(child(child(join, "user"), "roles"), "entry")).toBe("attendee");
  });

  it("asks for media at the audio-video endpoint of the same meeting", () => {
    const join = command(joinMedia(PARTIES, "7", "endpoint-1"), "addUser");
    const mcu = join.getAttributeNS("http://schemas.microsoft.com/rtc/2005/08/cccpextensions", "mcuUri");
    expect(mcu).toBe("sip:alice@d;gruu;opaque=app:conf:audio-video:id:AbC-_9");
    const endpoint = child(child(join, "user"), "endpoint");
    expect(endpoint?.getAttribute("session-type")).toBe("audio-video");
  });

  it("answers the lobby for several people at once", () => {
    const access = command(setLobbyAccess(PARTIES, "7", ["sip:a@x", "sip:b@x"], "granted"), "setLobbyAccess");
    expect(children(access, "userEntity").map((user) => user.textContent)).toEqual(["sip:a@x", "sip:b@x"]);
    expect(childText(access, "access")).toBe("granted");
  });

  it("changes a role", () => {
    const change = command(modifyUserRole(PARTIES, "7", "sip:a@x", "presenter"), "modifyUserRoles");
    expect(child(change, "userKeys")?.getAttribute("userEntity")).toBe("sip:a@x");
    expect(childText(child(change, "user-roles"), "entry")).toBe("presenter");
  });

  it("mutes one medium of one endpoint", () => {
    const keys = { user: "sip:a@x", endpoint: "e", media: "1", type: "audio" };
    const change = command(modifyEndpointMedia(PARTIES, "7", keys, "recvonly"), "modifyEndpointMedia");
    expect(child(change, "mediaKeys")?.getAttribute("endpointEntity")).toBe("e");
    expect(childText(child(change, "media"), "status")).toBe("recvonly");
  });
});

function answer(inner: string, code = "success", reason = ""): string {
  return (
    '<response xmlns="urn:ietf:params:xml:ns:cccp" xmlns:ci="urn:ietf:params:xml:ns:conference-info" ' +
    `requestId="7" code="${code}" reason="${reason}">${inner}</response>`
  );
}

describe("C3P of a recording", () => {
  it("speaks for one's own device only", () => {
    const consent = setRecordingConsent(PARTIES, "r", "denied");
    expect(consent).toContain("<rec:access>denied</rec:access>");
    expect(consent).not.toContain("userEntity");
    expect(recordingCommand(PARTIES, "r", "startRecording")).toContain("<rec:startRecording ");
  });
});

describe("C3P responses", () => {
  it("tells the role that was given", () => {
    const user = "<addUser><ci:user><ci:roles><ci:entry>presenter</ci:entry></ci:roles></ci:user></addUser>";
    const response = parseResponse(answer(user));
    expect(response?.succeeded).toBe(true);
    expect(response && givenRoleOf(response)).toBe("presenter");
  });

  it("tells why something failed", () => {
    expect(parseResponse(answer("", "failure", "accessDenied"))).toMatchObject({
      succeeded: false,
      reason: "accessDenied",
    });
  });

  it("reads where and with what to join the media", () => {
    const entry = (key: string, value: string) => `<entry><key>${key}</key><value>${value}</value></entry>`;
    const info =
      '<addUser><connection-info xmlns="http://schemas.microsoft.com/rtc/2005/08/cccpextensions">' +
      entry("mcu-conference-uri", "sip:av") +
      entry("token", "t") +
      entry("relay-uri", "turn:h:3478?transport=udp") +
      entry("relay-tcp-uri", "turn:h:3478?transport=tcp") +
      entry("relay-tls-uri", "turns:h:443?transport=tcp") +
      entry("relay-username", "u") +
      `${entry("relay-password", "p")}</connection-info></addUser>`;
    const response = parseResponse(answer(info));
    expect(response && mediaAccessOf(response)).toEqual({
      uri: "sip:av",
      token: "t",
      relay: {
        uris: ["turn:h:3478?transport=udp", "turn:h:3478?transport=tcp", "turns:h:443?transport=tcp"],
        username: "u",
        password: "p",
      },
    });
  });

  it("reads how far a recording is, and nothing that is no number", () => {
    const read = (attributes: string) => {
      const response = parseResponse(answer(`<getRecording><progress ${attributes}/></getRecording>`));
      return response && recordingProgressOf(response);
    };
    expect(read('seconds="61.5" octets="2000"')).toEqual({ seconds: 61.5, octets: 2000 });
    expect(read('seconds="61.5"')).toBeNull();
    expect(read('seconds="x" octets="1"')).toBeNull();
    const none = parseResponse(answer("<getRecording/>"));
    expect(none && recordingProgressOf(none)).toBeNull();
  });

  it("gives no access without a token", () => {
    const response = parseResponse(answer("<addUser/>"));
    expect(response && mediaAccessOf(response)).toBeNull();
  });

  it("takes nothing else for a response", () => {
    expect(parseResponse("")).toBeNull();
    expect(parseResponse("<request/>")).toBeNull();
    expect(parseResponse("not xml <")).toBeNull();
  });
});
