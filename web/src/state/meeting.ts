/** One person's stay in one meeting, from the knock to the goodbye. */
import { captureScreen } from "../media/local-media";
import { MediaSession } from "../media/media-session";
import type { Statistics } from "../media/quality";
import type { RoomConnection } from "../media/room-connection";
import type { GivenRole, Role } from "../signalling/c3p";
import type { Ending } from "../signalling/ending";
import { FocusSession, type Refusal } from "../signalling/focus-session";
import {
  EMPTY_ROSTER,
  mediaEndpointsOf,
  mediumOf,
  type Participant,
  type Roster,
} from "../signalling/roster";
import { SipAgent } from "../signalling/sip-agent";
import type { DevicesModel } from "./devices";
import type { Identity } from "./identity";
import { INITIAL, type MeetingState, type Notice, type Phase } from "./meeting-state";
import { RecordingModel } from "./recording";
import { Store } from "./store";
import { isSilenced } from "./tiles";

export type { MeetingState, Notice, Phase };

/** Milliseconds between attempts to come back in when the connection stands, and how many are made. */
const RETRY_DELAY = 2_000;
const RETRY_LIMIT = 5;

export class MeetingModel {
  readonly state = new Store<MeetingState>(INITIAL);
  readonly identity: Identity;
  readonly devices: DevicesModel;
  readonly recording = new RecordingModel({
    command: (act) => this.#command(act),
    progress: async () => (await this.#focus?.recordingProgress()) ?? null,
    tell: (notice) => this.#tell(notice),
  });
  readonly #agent: SipAgent;
  #focus: FocusSession | null = null;
  #media: MediaSession | null = null;
  #connected = false;
  #retries = 0;
  #mediaRetries = 0;
  #stopWatchingDevices: () => void = () => {};

  constructor(identity: Identity, devices: DevicesModel) {
    this.identity = identity;
    this.devices = devices;
    this.#agent = new SipAgent(identity.socket, identity.uri, identity.name, {
      onConnected: () => this.#onConnected(),
      onDisconnected: () => this.#onDisconnected(),
    });
  }

  /** Connect and knock. */
  start(): void {
    this.#stopWatchingDevices = this.devices.state.subscribe(() => this.#sendTracks());
    this.#agent.start();
  }

  /** Go away, from wherever one is. */
  leave(): void {
    this.#finish({ kind: "left" });
  }

  // --- what leaders do ---

  admit(users: readonly string[]): Promise<boolean> {
    return this.#command((focus) => focus.admit(users));
  }

  reject(users: readonly string[]): Promise<boolean> {
    return this.#command((focus) => focus.reject(users));
  }

  changeRole(user: string, role: GivenRole): Promise<boolean> {
    return this.#command((focus) => focus.changeRole(user, role));
  }

  remove(user: string): Promise<boolean> {
    return this.#command((focus) => focus.remove(user));
  }

  /** Take somebody's microphone away on all their devices, or give it back. */
  async silence(person: Participant, silenced: boolean): Promise<void> {
    for (const endpoint of mediaEndpointsOf(person)) {
      const media = mediumOf(endpoint, "audio")?.id ?? "1";
      const keys = { user: person.entity, endpoint: endpoint.entity, media, type: "audio" };
      await this.#command((focus) => focus.allowMedium(keys, !silenced));
    }
  }

  /** End the meeting for everyone. */
  endForAll(): Promise<boolean> {
    return this.#command((focus) => focus.endForAll());
  }

  // --- one's own media ---

  async toggleMicrophone(): Promise<void> {
    const { roster, endpoint, role } = this.state.get();
    if (!isSilenced(roster, this.identity.uri, endpoint)) {
      await this.devices.setMicrophone(!this.devices.state.get().microphoneOn);
      return;
    }
    const self = roster.participants.get(this.identity.uri);
    if (role === "attendee" || !self) {
      this.#tell({ kind: "still-silenced" });
      return;
    }
    await this.silence(self, false);
    await this.devices.setMicrophone(true);
  }

  async toggleCamera(): Promise<void> {
    await this.devices.setCamera(!this.devices.state.get().cameraOn);
  }

  async toggleScreen(): Promise<void> {
    const { screen, role } = this.state.get();
    if (screen) {
      this.#stopScreen();
      return;
    }
    if (role === "attendee") {
      this.#tell({ kind: "share-not-allowed" });
      return;
    }
    const track = await captureScreen();
    if (!track) {
      return;
    }
    track.onended = () => this.#stopScreen();
    this.state.patch({ screen: track });
    this.#sendTracks();
  }

  /** The received stream in that slot. */
  streamOf(slot: string): MediaStream | null {
    return this.#media?.room?.streamOf(slot) ?? null;
  }

  /** How many pixels high the picture in that slot is shown; null: it is shown no more. */
  showAt(slot: string, height: number | null): void {
    this.#media?.room?.showAt(slot, height);
  }

  /** Everything there is to hear. */
  audioStreams(): readonly MediaStream[] {
    return this.#media?.room?.audioStreams() ?? [];
  }

  /** What the browser counts of the connection to the room; null while there is none. */
  async statistics(): Promise<Statistics | null> {
    return (await this.#media?.room?.statistics()) ?? null;
  }

  // --- connection ---

  #onConnected(): void {
    this.#connected = true;
    this.#knock();
  }

  #onDisconnected(): void {
    this.#connected = false;
    if (this.state.get().phase.kind !== "over") {
      this.#dropSessions();
      this.state.patch({ reconnecting: true });
    }
  }

  #knock(): void {
    this.#focus?.close();
    const focus = new FocusSession(this.#agent, this.identity.focus, {
      onLobby: () => this.#ifCurrent(focus, () => this.#wait()),
      onEntered: (role) => this.#ifCurrent(focus, () => this.#enter(role)),
      onRoster: (roster) => this.#ifCurrent(focus, () => this.#takeRoster(roster)),
      onOver: (ending) => this.#ifCurrent(focus, () => this.#focusOver(ending)),
    });
    this.#focus = focus;
    focus.start();
  }

  #ifCurrent(focus: FocusSession, act: () => void): void {
    if (focus === this.#focus) {
      act();
    }
  }

  #wait(): void {
    this.#retries = 0;
    this.state.patch({ phase: { kind: "lobby" }, reconnecting: false });
  }

  #enter(role: Role | null): void {
    this.#retries = 0;
    this.recording.forget(); // the server takes us for somebody new, who hasn't agreed to anything
    this.state.patch({
      phase: { kind: "in" },
      reconnecting: false,
      roster: EMPTY_ROSTER,
      role: role ?? this.state.get().role,
    });
    this.#joinMedia();
  }

  #takeRoster(roster: Roster): void {
    const before = this.state.get();
    const role = roster.participants.get(this.identity.uri)?.role ?? before.role;
    const wasSilenced = isSilenced(before.roster, this.identity.uri, before.endpoint);
    this.state.patch({ roster, role });
    this.recording.take(roster.recording, role !== "attendee");
    if (!wasSilenced && isSilenced(roster, this.identity.uri, before.endpoint)) {
      this.devices.setMicrophone(false);
      this.#tell({ kind: "silenced" });
    }
    if (role === "attendee" && before.screen) {
      this.#stopScreen();
    }
    if (roster.ended) {
      this.#finish({ kind: "ended" });
    }
  }

  #focusOver(ending: Ending): void {
    this.#dropSessions();
    if (ending.kind !== "lost") {
      this.#finish(ending);
      return;
    }
    this.state.patch({ reconnecting: true });
    // Without a connection the agent calls back when it stands again.
    if (this.#connected) {
      this.#retries += 1;
      if (this.#retries > RETRY_LIMIT) {
        this.#finish(ending);
      } else {
        setTimeout(() => this.#retryKnock(), RETRY_DELAY);
      }
    }
  }

  #retryKnock(): void {
    if (this.#connected && !this.#focus && this.state.get().phase.kind !== "over") {
      this.#knock();
    }
  }

  // --- media ---

  #joinMedia(): void {
    const focus = this.#focus;
    if (!focus) {
      return;
    }
    this.#media?.close();
    const media = new MediaSession(this.#agent, focus, {
      onSlots: (slots) => this.state.patch({ slots }),
      onSpeaker: (speaker) => this.state.patch({ speaker }),
      onState: (state) => this.#mediaState(media, state),
      onOver: (worthRetrying) => this.#mediaOver(media, worthRetrying),
    });
    this.#media = media;
    this.state.patch({ media: "connecting", endpoint: media.endpoint, slots: new Map(), speaker: null });
    media.start((room) => this.#sendTracksTo(room)).catch(() => this.#mediaOver(media));
  }

  #mediaState(media: MediaSession, state: "connecting" | "connected" | "lost"): void {
    if (media !== this.#media) {
      return;
    }
    if (state === "lost") {
      this.#mediaOver(media);
      return;
    }
    if (state === "connected") {
      this.#mediaRetries = 0;
    }
    this.state.patch({ media: state });
  }

  #mediaOver(media: MediaSession, worthRetrying = true): void {
    if (media !== this.#media) {
      return;
    }
    media.close();
    this.#media = null;
    this.state.patch({ media: "none", endpoint: "", slots: new Map(), speaker: null });
    if (this.state.get().phase.kind !== "in" || !this.#focus) {
      return;
    }
    this.#mediaRetries += 1;
    if (!worthRetrying || this.#mediaRetries > RETRY_LIMIT) {
      this.#tell({ kind: "media-lost" });
    } else {
      setTimeout(() => this.#retryMedia(), RETRY_DELAY);
    }
  }

  #retryMedia(): void {
    if (!this.#media && this.state.get().phase.kind === "in") {
      this.#joinMedia();
    }
  }

  #sendTracks(): void {
    const room = this.#media?.room;
    if (room) {
      this.#sendTracksTo(room);
    }
  }

  #sendTracksTo(room: RoomConnection): void {
    const { microphone, camera } = this.devices.state.get();
    room.send("audio", microphone);
    room.send("camera", camera);
    room.send("screen", this.state.get().screen);
  }

  #stopScreen(): void {
    const { screen } = this.state.get();
    if (screen) {
      screen.onended = null;
      screen.stop();
      this.state.patch({ screen: null });
      this.#sendTracks();
    }
  }

  // --- the end ---

  #dropSessions(): void {
    this.#media?.close();
    this.#media = null;
    this.#focus?.close();
    this.#focus = null;
    this.state.patch({ media: "none", endpoint: "", slots: new Map(), speaker: null });
  }

  #finish(ending: Ending): void {
    if (this.state.get().phase.kind === "over") {
      return;
    }
    this.#stopScreen();
    this.#stopWatchingDevices();
    this.#dropSessions();
    this.devices.stop();
    this.recording.forget();
    this.#agent.close();
    this.state.patch({ phase: { kind: "over", ending }, reconnecting: false });
  }

  async #command(act: (focus: FocusSession) => Promise<Refusal>): Promise<boolean> {
    const refusal = this.#focus ? await act(this.#focus) : "";
    if (refusal === null || this.state.get().phase.kind === "over") {
      return refusal === null;
    }
    const forbidden = /denied|notallowed|forbidden/i.test(refusal);
    this.#tell(forbidden ? { kind: "not-allowed" } : { kind: "command-failed", reason: refusal });
    return false;
  }

  #tell(notice: Notice): void {
    const number = (this.state.get().notice?.number ?? 0) + 1;
    this.state.patch({ notice: { number, notice } });
  }
}
