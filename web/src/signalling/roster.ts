/** Who is in a meeting or its lobby: the documents of the conference event package (RFC 4575) and their sum. */
import { type Role, roleOf } from "./c3p";
import { child, children, childText, parseXml } from "./xml";

export interface Medium {
  readonly id: string;
  readonly type: string;
  /** sendrecv, recvonly, …: from the endpoint's point of view. */
  readonly status: string;
  /** The meeting takes nothing of it, by a presenter's will (msci:media-ingress-filter). */
  readonly blocked: boolean;
}

/** Who took an endpoint's microphone away: a presenter, or its own person by the keys of a phone. */
export type Mute = "presenter" | "self";

export interface Endpoint {
  readonly entity: string;
  readonly sessionType: string;
  readonly status: string;
  readonly media: readonly Medium[];
  /** Whether it may be in the recording; null while nothing is recorded. */
  readonly recorded: boolean | null;
}

/** The recording of the meeting, as everybody in it is told. */
export interface Recording {
  readonly state: "not-allowed" | "off" | "on" | "failed";
  /** Which one goes on; "" if none does. */
  readonly id: string;
  /** Who started it. */
  readonly by: string;
}

export interface Participant {
  readonly entity: string;
  readonly name: string;
  readonly role: Role;
  readonly endpoints: readonly Endpoint[];
}

export interface Roster {
  readonly subject: string;
  readonly version: number;
  readonly ended: boolean;
  readonly recording: Recording;
  /** By entity, in the order in which they came. */
  readonly participants: ReadonlyMap<string, Participant>;
}

const NO_RECORDING: Recording = { state: "not-allowed", id: "", by: "" };

export const EMPTY_ROSTER: Roster = {
  subject: "",
  version: -1,
  ended: false,
  recording: NO_RECORDING,
  participants: new Map(),
};

/** What became of a document: the new roster, the old one, or a gap that only a full document closes. */
export type Applied =
  | { readonly kind: "applied"; readonly roster: Roster }
  | { readonly kind: "ignored" }
  | { readonly kind: "gap" };

/** Apply one document to the roster (RFC 4575 section 4). */
export function applyDocument(roster: Roster, text: string): Applied {
  const root = parseXml(text);
  if (root?.localName !== "conference-info") {
    return { kind: "ignored" };
  }
  const version = Number(root.getAttribute("version") ?? "0");
  const state = root.getAttribute("state") ?? "full";
  if (state === "deleted") {
    return { kind: "applied", roster: { ...roster, version, ended: true } };
  }
  if (state === "full") {
    return { kind: "applied", roster: merged({ ...EMPTY_ROSTER, subject: roster.subject }, root, version) };
  }
  if (version <= roster.version) {
    return { kind: "ignored" };
  }
  if (version > roster.version + 1) {
    return { kind: "gap" };
  }
  return { kind: "applied", roster: merged(roster, root, version) };
}

function merged(roster: Roster, root: Element, version: number): Roster {
  const users = child(root, "users");
  const participants = new Map(users?.getAttribute("state") === "full" ? [] : roster.participants);
  for (const user of children(users, "user")) {
    const entity = user.getAttribute("entity") ?? "";
    const state = user.getAttribute("state") ?? "full";
    if (state === "deleted") {
      participants.delete(entity);
    } else {
      participants.set(entity, readUser(user, state === "partial" ? participants.get(entity) : undefined));
    }
  }
  const description = child(root, "conference-description");
  const subject = childText(description, "subject") || roster.subject;
  const recording = recordingOf(child(description, "recording")) ?? roster.recording;
  return { subject, version, ended: false, recording, participants };
}

function recordingOf(element: Element | null): Recording | null {
  const states: readonly Recording["state"][] = ["not-allowed", "off", "on", "failed"];
  const state = states.find((known) => known === element?.getAttribute("state"));
  if (!element || !state) {
    return null;
  }
  return { state, id: element.getAttribute("id") ?? "", by: element.getAttribute("by") ?? "" };
}

function readUser(user: Element, old: Participant | undefined): Participant {
  const endpoints = new Map((old?.endpoints ?? []).map((endpoint) => [endpoint.entity, endpoint]));
  for (const element of children(user, "endpoint")) {
    const entity = element.getAttribute("entity") ?? "";
    if (element.getAttribute("state") === "deleted") {
      endpoints.delete(entity);
    } else {
      endpoints.set(entity, readEndpoint(element));
    }
  }
  const entity = user.getAttribute("entity") ?? "";
  const roles = children(child(user, "roles"), "entry").map((entry) => entry.textContent?.trim() ?? "");
  return {
    entity,
    name: childText(user, "display-text") || old?.name || userPartOf(entity),
    role: roleOf(roles) ?? old?.role ?? "attendee",
    endpoints: [...endpoints.values()],
  };
}

function readEndpoint(element: Element): Endpoint {
  return {
    entity: element.getAttribute("entity") ?? "",
    sessionType: element.getAttribute("session-type") ?? "",
    status: childText(element, "status"),
    media: children(element, "media").map((media) => ({
      id: media.getAttribute("id") ?? "",
      type: childText(media, "type"),
      status: childText(media, "status"),
      blocked: childText(media, "media-ingress-filter") === "block",
    })),
    recorded: recordedOf(childText(element, "recorded")),
  };
}

function recordedOf(text: string): boolean | null {
  return text === "" ? null : text === "true";
}

/** The user part of a SIP URI, to have something to show when there is no name. */
export function userPartOf(uri: string): string {
  return /^sips?:([^@;]+)@/i.exec(uri)?.[1] ?? uri;
}

/** Waiting in the lobby: known to the focus, not let in yet. */
export function isWaiting(participant: Participant): boolean {
  return participant.endpoints.some(
    (endpoint) => endpoint.sessionType === "focus" && endpoint.status === "pending",
  );
}

/** The endpoints through which they see and hear: one for each device, none for who is still connecting. */
export function mediaEndpointsOf(participant: Participant): readonly Endpoint[] {
  return participant.endpoints.filter(
    (endpoint) => endpoint.sessionType === "audio-video" && endpoint.status !== "disconnected",
  );
}

/** That endpoint's medium of that type, or null. */
export function mediumOf(endpoint: Endpoint, type: string): Medium | null {
  return endpoint.media.find((medium) => medium.type === type) ?? null;
}

/** Who muted that endpoint in the meeting, or null. What a browser's own button does is not known to others. */
export function muteOf(endpoint: Endpoint): Mute | null {
  const audio = mediumOf(endpoint, "audio");
  if (audio?.status !== "recvonly") {
    return null;
  }
  return audio.blocked ? "presenter" : "self";
}
