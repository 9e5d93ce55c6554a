/** What is on the stage: one tile a device in the meeting, and the shared screen. Pure functions of the state. */
import { type SlotMap, screenSharer, slotOf } from "../media/slots";
import type { Role } from "../signalling/c3p";
import {
  isWaiting,
  type Mute,
  mediaEndpointsOf,
  muteOf,
  type Participant,
  type Roster,
} from "../signalling/roster";

export interface Tile {
  readonly endpoint: string;
  readonly entity: string;
  readonly name: string;
  readonly isSelf: boolean;
  readonly speaking: boolean;
  /** Who took their microphone away, if somebody did. */
  readonly muted: Mute | null;
  /** The slot that carries the camera; null if none does, or for oneself. */
  readonly cameraSlot: string | null;
  /** The camera is on, but the room sends nothing of it: our connection is too slow. */
  readonly paused: boolean;
}

export interface SharedScreen {
  readonly endpoint: string;
  readonly name: string;
  readonly slot: string;
}

export interface StageInput {
  readonly roster: Roster;
  readonly slots: SlotMap;
  readonly speaker: string | null;
  /** Our own entity and media endpoint. */
  readonly self: string;
  readonly selfEndpoint: string;
  readonly selfName: string;
}

/** Tiles in order: oneself first, then everyone as they came. Faces don't jump about when somebody speaks. */
export function tilesOf(input: StageInput): readonly Tile[] {
  const others = peopleIn(input.roster).flatMap((person) =>
    mediaEndpointsOf(person)
      .filter((endpoint) => endpoint.entity !== input.selfEndpoint)
      .map((endpoint) => ({
        endpoint: endpoint.entity,
        entity: person.entity,
        name: person.name,
        isSelf: false,
        speaking: endpoint.entity === input.speaker,
        muted: muteOf(endpoint),
        ...cameraOf(input.slots, endpoint.entity),
      })),
  );
  return [selfTile(input), ...others];
}

function cameraOf(slots: SlotMap, endpoint: string): Pick<Tile, "cameraSlot" | "paused"> {
  const slot = slotOf(slots, endpoint, "camera");
  return { cameraSlot: slot, paused: slot !== null && slots.get(slot)?.paused === true };
}

function selfTile({ roster, self, selfEndpoint, selfName, speaker }: StageInput): Tile {
  return {
    endpoint: selfEndpoint,
    entity: self,
    name: selfName,
    isSelf: true,
    speaking: selfEndpoint !== "" && selfEndpoint === speaker,
    muted: isSilenced(roster, self, selfEndpoint) ? "presenter" : null,
    cameraSlot: null,
    paused: false,
  };
}

/** Whether a presenter has muted that endpoint in the room. */
export function isSilenced(roster: Roster, entity: string, endpoint: string): boolean {
  const person = roster.participants.get(entity);
  const found = person && mediaEndpointsOf(person).find((candidate) => candidate.entity === endpoint);
  return found ? muteOf(found) === "presenter" : false;
}

/** Whether what that endpoint sends may be in the recording that goes on. */
export function isRecorded(roster: Roster, entity: string, endpoint: string): boolean {
  const person = roster.participants.get(entity);
  const found = person && mediaEndpointsOf(person).find((candidate) => candidate.entity === endpoint);
  return found?.recorded === true;
}

/** The screen that somebody else shares, or null. */
export function sharedScreenOf({ roster, slots, selfEndpoint }: StageInput): SharedScreen | null {
  const endpoint = screenSharer(slots);
  const slot = endpoint === null ? null : slotOf(slots, endpoint, "screen");
  if (endpoint === null || slot === null || endpoint === selfEndpoint) {
    return null;
  }
  const sharer = peopleIn(roster).find((person) =>
    mediaEndpointsOf(person).some((candidate) => candidate.entity === endpoint),
  );
  return { endpoint, slot, name: sharer?.name ?? "" };
}

/** Everyone who is inside: leaders first, then by name. */
export function peopleSorted(roster: Roster): readonly Participant[] {
  const rank: Record<Role, number> = { organizer: 0, presenter: 1, attendee: 2 };
  return [...peopleIn(roster)].sort(
    (a, b) => rank[a.role] - rank[b.role] || a.name.localeCompare(b.name) || a.entity.localeCompare(b.entity),
  );
}

/** Everyone who waits in the lobby, longest first. Only leaders are ever told of them. */
export function peopleWaiting(roster: Roster): readonly Participant[] {
  return [...roster.participants.values()].filter(isWaiting);
}

function peopleIn(roster: Roster): readonly Participant[] {
  return [...roster.participants.values()].filter((person) => !isWaiting(person));
}
