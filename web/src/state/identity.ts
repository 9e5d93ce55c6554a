/** As whom one joins a meeting, and the socket that proves it. */
import { AssociationSocket, type AssociationSource } from "../signalling/association-socket";
import { randomToken } from "../signalling/digest";
import { GuestSocket } from "../signalling/guest-socket";
import type { ProvingSocket } from "../signalling/proving-socket";
import type { JoinInfo } from "./api";

/** A meeting's link: /meet/{organizer}/{id}#{conference key}. */
export interface MeetingLink {
  readonly organizer: string;
  readonly id: string;
  /** null if the fragment is missing or can't be a key. */
  readonly key: string | null;
}

export interface Identity {
  /** Our own address in the meeting. */
  readonly uri: string;
  readonly name: string;
  readonly isGuest: boolean;
  readonly focus: string;
  readonly socket: ProvingSocket;
}

/** Read a meeting link's path and fragment; null if the path is none. */
export function parseMeetingLink(path: string, fragment: string): MeetingLink | null {
  const match = /^\/meet\/([^/]+)\/([A-Za-z0-9_-]+)\/?$/.exec(path);
  if (!match?.[1] || !match[2]) {
    return null;
  }
  const key = fragment.replace(/^#/, "");
  return {
    organizer: decodeURIComponent(match[1]),
    id: match[2],
    key: /^[A-Za-z0-9_-]{22}$/.test(key) ? key : null,
  };
}

/** A guest has no address, only a random one that nobody can reach, and the meeting's key. */
export function guestIdentity(link: MeetingLink, key: string, name: string, info: JoinInfo): Identity {
  const uri = `sip:${randomToken()}@anonymous.invalid`;
  const credentials = { username: link.id, password: key };
  return {
    uri,
    name,
    isGuest: true,
    focus: info.focus,
    socket: new GuestSocket(info.sip_websocket, { uri, focus: info.focus, credentials }),
  };
}

export function memberIdentity(
  aor: string,
  name: string,
  associate: AssociationSource,
  info: JoinInfo,
): Identity {
  return {
    uri: aor,
    name,
    isGuest: false,
    focus: info.focus,
    socket: new AssociationSocket(info.sip_websocket, associate),
  };
}
