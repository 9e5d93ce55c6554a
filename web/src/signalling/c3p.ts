/** C3P, the commands of a meeting (`application/cccp+xml`), in the shapes that old clients use too. */
import { child, children, childText, escapeXml, parseXml } from "./xml";

export const C3P_TYPE = "application/cccp+xml";

export type Role = "organizer" | "presenter" | "attendee";
export type GivenRole = Exclude<Role, "organizer">;

/** Who speaks to which focus; every command carries both. */
export interface Parties {
  readonly focus: string;
  readonly self: string;
}

export interface C3pResponse {
  readonly requestId: string;
  readonly succeeded: boolean;
  /** Why not, in the server's words; "" if it worked. */
  readonly reason: string;
  /** The element that names the command, with whatever it returns. */
  readonly result: Element | null;
}

/** What addUser for audio-video returns. */
export interface MediaAccess {
  readonly uri: string;
  readonly token: string;
  readonly relay: { readonly uris: string[]; readonly username: string; readonly password: string } | null;
}

const NAMESPACES =
  'xmlns="urn:ietf:params:xml:ns:cccp" xmlns:mscp="http://schemas.microsoft.com/rtc/2005/08/cccpextensions" ' +
  'xmlns:ci="urn:ietf:params:xml:ns:conference-info"';

const RECORDING = 'xmlns:rec="urn:vestibule:params:xml:ns:recording"';

function request(parties: Parties, requestId: string, command: string): string {
  const { focus, self } = parties;
  return (
    `<?xml version="1.0" encoding="utf-8"?><request ${NAMESPACES} C3PVersion="1" to="${escapeXml(focus)}" ` +
    `from="${escapeXml(self)}" requestId="${escapeXml(requestId)}">${command}</request>`
  );
}

function conferenceKeys({ focus }: Parties): string {
  return `<conferenceKeys confEntity="${escapeXml(focus)}"/>`;
}

function userKeys({ focus }: Parties, user: string): string {
  return `<userKeys confEntity="${escapeXml(focus)}" userEntity="${escapeXml(user)}"/>`;
}

/** Join the meeting: the body of the INVITE to the focus. */
export function joinFocus(parties: Parties, requestId: string, endpoint: string): string {
  return request(
    parties,
    requestId,
    `<addUser>${conferenceKeys(parties)}<ci:user entity="${escapeXml(parties.self)}">` +
      "<ci:roles><ci:entry>attendee</ci:entry></ci:roles>" +
      `<ci:endpoint entity="${escapeXml(endpoint)}" session-type="focus"/></ci:user></addUser>`,
  );
}

/** Ask for a place at the audio-video endpoint; see `mediaAccessOf`. */
export function joinMedia(parties: Parties, requestId: string, endpoint: string): string {
  const audioVideo = parties.focus.replace(":focus:", ":audio-video:");
  return request(
    parties,
    requestId,
    `<addUser mscp:mcuUri="${escapeXml(audioVideo)}">${conferenceKeys(parties)}` +
      `<ci:user entity="${escapeXml(parties.self)}">` +
      `<ci:endpoint entity="${escapeXml(endpoint)}" session-type="audio-video"/></ci:user></addUser>`,
  );
}

/** Let people in from the lobby, or turn them away. */
export function setLobbyAccess(
  parties: Parties,
  requestId: string,
  users: readonly string[],
  access: "granted" | "denied",
): string {
  const entities = users.map((user) => `<mscp:userEntity>${escapeXml(user)}</mscp:userEntity>`).join("");
  return request(
    parties,
    requestId,
    `<mscp:setLobbyAccess>${conferenceKeys(parties)}${entities}<mscp:access>${access}</mscp:access></mscp:setLobbyAccess>`,
  );
}

export function modifyUserRole(parties: Parties, requestId: string, user: string, role: GivenRole): string {
  return request(
    parties,
    requestId,
    `<modifyUserRoles>${userKeys(parties, user)}` +
      `<ci:user-roles><ci:entry>${role}</ci:entry></ci:user-roles></modifyUserRoles>`,
  );
}

export function deleteUser(parties: Parties, requestId: string, user: string): string {
  return request(parties, requestId, `<deleteUser>${userKeys(parties, user)}</deleteUser>`);
}

/** End the meeting for everyone. */
export function deleteConference(parties: Parties, requestId: string): string {
  return request(parties, requestId, `<deleteConference>${conferenceKeys(parties)}</deleteConference>`);
}

/** One medium of one endpoint, as the roster names it. */
export interface MediaKeys {
  readonly user: string;
  readonly endpoint: string;
  readonly media: string;
  readonly type: string;
}

/** Let an endpoint send that medium ("sendrecv") or not ("recvonly"). */
export function modifyEndpointMedia(
  parties: Parties,
  requestId: string,
  keys: MediaKeys,
  status: "sendrecv" | "recvonly",
): string {
  return request(
    parties,
    requestId,
    `<modifyEndpointMedia><mediaKeys confEntity="${escapeXml(parties.focus)}" userEntity="${escapeXml(keys.user)}" ` +
      `endpointEntity="${escapeXml(keys.endpoint)}" mediaId="${escapeXml(keys.media)}"/>` +
      `<ci:media id="${escapeXml(keys.media)}"><ci:type>${escapeXml(keys.type)}</ci:type>` +
      `<ci:status>${status}</ci:status></ci:media></modifyEndpointMedia>`,
  );
}

/** Record the meeting, end that, or ask how far it is. */
export function recordingCommand(
  parties: Parties,
  requestId: string,
  command: "startRecording" | "stopRecording" | "getRecording",
): string {
  return request(
    parties,
    requestId,
    `<rec:${command} ${RECORDING}>${conferenceKeys(parties)}</rec:${command}>`,
  );
}

/** Let one's own device be in the recording, or no more. */
export function setRecordingConsent(
  parties: Parties,
  requestId: string,
  access: "granted" | "denied",
): string {
  return request(
    parties,
    requestId,
    `<rec:setRecordingConsent ${RECORDING}>${conferenceKeys(parties)}` +
      `<rec:access>${access}</rec:access></rec:setRecordingConsent>`,
  );
}

/** How far a recording is. */
export interface RecordingProgress {
  readonly seconds: number;
  readonly octets: number;
}

/** What getRecording returns; null if it isn't there. */
export function recordingProgressOf(response: C3pResponse): RecordingProgress | null {
  const progress = child(response.result, "progress");
  const [seconds, octets] = ["seconds", "octets"].map((name) => Number(progress?.getAttribute(name) ?? NaN));
  return seconds === undefined || octets === undefined || !Number.isFinite(seconds + octets)
    ? null
    : { seconds, octets };
}

/** Read a C3P response; null if the body is none. */
export function parseResponse(body: string): C3pResponse | null {
  const root = parseXml(body);
  if (root?.localName !== "response") {
    return null;
  }
  return {
    requestId: root.getAttribute("requestId") ?? "",
    succeeded: root.getAttribute("code") === "success",
    reason: root.getAttribute("reason") ?? "",
    result: root.firstElementChild,
  };
}

/** The role that addUser's answer gives, or null if it names none. */
export function givenRoleOf(response: C3pResponse): Role | null {
  const roles = child(child(response.result, "user"), "roles");
  return roleOf(children(roles, "entry").map((entry) => entry.textContent?.trim() ?? ""));
}

/** The highest of the named roles, or null. */
export function roleOf(names: readonly string[]): Role | null {
  const known: readonly Role[] = ["organizer", "presenter", "attendee"];
  return known.find((role) => names.includes(role)) ?? null;
}

/** Where and with what to join the media, from addUser's answer; null if it lacks the address or token. */
export function mediaAccessOf(response: C3pResponse): MediaAccess | null {
  const info = child(response.result, "connection-info") ?? descendant(response.result, "connection-info");
  const entries = new Map(
    children(info, "entry").map((entry) => [childText(entry, "key"), childText(entry, "value")] as const),
  );
  const uri = entries.get("mcu-conference-uri");
  const token = entries.get("token");
  if (!uri || !token) {
    return null;
  }
  const relay = entries.get("relay-uri");
  return {
    uri,
    token,
    relay: relay
      ? {
          uris: [relay, entries.get("relay-tcp-uri"), entries.get("relay-tls-uri")].filter(
            (it) => it !== undefined,
          ),
          username: entries.get("relay-username") ?? "",
          password: entries.get("relay-password") ?? "",
        }
      : null,
  };
}

function descendant(parent: Element | null, name: string): Element | null {
  return parent?.getElementsByTagNameNS("*", name)[0] ?? null;
}
