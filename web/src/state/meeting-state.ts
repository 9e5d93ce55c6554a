/** What is known of one person's stay in one meeting. */
import type { SlotMap } from "../media/slots";
import type { Role } from "../signalling/c3p";
import type { Ending } from "../signalling/ending";
import { EMPTY_ROSTER, type Roster } from "../signalling/roster";

export type Phase =
  | { readonly kind: "connecting" | "lobby" | "in" }
  | { readonly kind: "over"; readonly ending: Ending };

/** Something to tell the person once. */
export type Notice =
  | {
      readonly kind:
        | "silenced"
        | "still-silenced"
        | "not-allowed"
        | "share-not-allowed"
        | "media-lost"
        | "recording-failed";
    }
  | { readonly kind: "command-failed"; readonly reason: string };

export interface MeetingState {
  readonly phase: Phase;
  /** The connection is gone and being re-made. */
  readonly reconnecting: boolean;
  readonly role: Role;
  readonly roster: Roster;
  /** Our own media endpoint; "" while there is none. */
  readonly endpoint: string;
  readonly media: "none" | "connecting" | "connected";
  readonly slots: SlotMap;
  readonly speaker: string | null;
  /** Our own shared screen. */
  readonly screen: MediaStreamTrack | null;
  /** Counts notices, so that the same one twice is still news. */
  readonly notice: { readonly number: number; readonly notice: Notice } | null;
}

export const INITIAL: MeetingState = {
  phase: { kind: "connecting" },
  reconnecting: false,
  role: "attendee",
  roster: EMPTY_ROSTER,
  endpoint: "",
  media: "none",
  slots: new Map(),
  speaker: null,
  screen: null,
  notice: null,
};
