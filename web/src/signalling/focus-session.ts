/** One stay in a meeting: the dialog with its focus, the roster, and the commands (DESIGN.md section 5). */
import {
  C3P_TYPE,
  type C3pResponse,
  deleteConference,
  deleteUser,
  type GivenRole,
  givenRoleOf,
  joinFocus,
  joinMedia,
  type MediaAccess,
  type MediaKeys,
  mediaAccessOf,
  modifyEndpointMedia,
  modifyUserRole,
  type Parties,
  parseResponse,
  type RecordingProgress,
  type Role,
  recordingCommand,
  recordingProgressOf,
  setLobbyAccess,
  setRecordingConsent,
} from "./c3p";
import { type Ending, endingOfBye, endingOfRefusal } from "./ending";
import type { InviteDialog, SipReply } from "./invite-dialog";
import { applyDocument, EMPTY_ROSTER, type Roster } from "./roster";
import type { SipAgent, Subscription } from "./sip-agent";

export interface FocusListener {
  /** We wait until somebody lets us in. */
  onLobby(): void;
  /** We are in; the role may be unknown until the roster tells. */
  onEntered(role: Role | null): void;
  onRoster(roster: Roster): void;
  /** It is over, and not by our own wish. */
  onOver(ending: Ending): void;
}

/** A command's outcome: null if it worked, else the server's reason ("" if it gave none). */
export type Refusal = string | null;

export class FocusSession {
  readonly #agent: SipAgent;
  readonly #parties: Parties;
  readonly #listener: FocusListener;
  #dialog: InviteDialog | null = null;
  #subscription: Subscription | null = null;
  #roster: Roster = EMPTY_ROSTER;
  #entered = false;
  #over = false;

  constructor(agent: SipAgent, focus: string, listener: FocusListener) {
    this.#agent = agent;
    this.#parties = { focus, self: agent.uri };
    this.#listener = listener;
  }

  /** Knock. */
  start(): void {
    const { focus } = this.#parties;
    const body = joinFocus(this.#parties, newRequestId(), crypto.randomUUID());
    this.#dialog = this.#agent.invite(
      { target: focus, contentType: C3P_TYPE, body },
      {
        onProgress: (reply) => this.#progress(reply),
        onAccepted: (reply) => this.#enter(reply),
        onRefused: (reply) => this.#finish(endingOfRefusal(reply)),
        onEnded: (cause) => this.#finish(endingOfBye(cause)),
      },
    );
  }

  /** Leave, or give up waiting. */
  close(): void {
    if (!this.#over) {
      this.#over = true;
      this.#subscription?.close();
      this.#dialog?.close();
    }
  }

  /** Ask for a place at the audio-video endpoint; null if refused. */
  async requestMedia(endpoint: string): Promise<MediaAccess | null> {
    const response = await this.#send((id) => joinMedia(this.#parties, id, endpoint));
    return response?.succeeded ? mediaAccessOf(response) : null;
  }

  admit(users: readonly string[]): Promise<Refusal> {
    return this.#command((id) => setLobbyAccess(this.#parties, id, users, "granted"));
  }

  reject(users: readonly string[]): Promise<Refusal> {
    return this.#command((id) => setLobbyAccess(this.#parties, id, users, "denied"));
  }

  changeRole(user: string, role: GivenRole): Promise<Refusal> {
    return this.#command((id) => modifyUserRole(this.#parties, id, user, role));
  }

  remove(user: string): Promise<Refusal> {
    return this.#command((id) => deleteUser(this.#parties, id, user));
  }

  allowMedium(keys: MediaKeys, allowed: boolean): Promise<Refusal> {
    return this.#command((id) =>
      modifyEndpointMedia(this.#parties, id, keys, allowed ? "sendrecv" : "recvonly"),
    );
  }

  endForAll(): Promise<Refusal> {
    return this.#command((id) => deleteConference(this.#parties, id));
  }

  record(on: boolean): Promise<Refusal> {
    return this.#command((id) =>
      recordingCommand(this.#parties, id, on ? "startRecording" : "stopRecording"),
    );
  }

  /** Whether this device may be in the recording. */
  agreeToRecording(agreed: boolean): Promise<Refusal> {
    return this.#command((id) => setRecordingConsent(this.#parties, id, agreed ? "granted" : "denied"));
  }

  /** How far the recording is; null if there is none, or it is not ours to know. */
  async recordingProgress(): Promise<RecordingProgress | null> {
    const response = await this.#send((id) => recordingCommand(this.#parties, id, "getRecording"));
    return response?.succeeded ? recordingProgressOf(response) : null;
  }

  #progress(reply: SipReply): void {
    if (reply.admission === "lobby" && !this.#over) {
      this.#listener.onLobby();
    }
  }

  #enter(reply: SipReply): void {
    if (this.#over || this.#entered) {
      return;
    }
    const response = parseResponse(reply.body);
    if (response && !response.succeeded) {
      this.close();
      this.#listener.onOver({ kind: "failed", status: reply.status, reason: response.reason });
      return;
    }
    this.#entered = true;
    this.#subscribe();
    this.#listener.onEntered(response ? givenRoleOf(response) : null);
  }

  #subscribe(): void {
    this.#subscription = this.#agent.subscribe(
      this.#parties.focus,
      "conference",
      "application/conference-info+xml",
      { onDocument: (body) => this.#apply(body), onTerminated: () => this.#resubscribe() },
    );
  }

  /** The dialog still stands, so the subscription may not be gone; a lost connection ends both. */
  #resubscribe(): void {
    this.#subscription = null;
    setTimeout(() => {
      if (!this.#over && !this.#subscription) {
        this.#subscribe();
      }
    }, RESUBSCRIBE_DELAY);
  }

  #apply(body: string): void {
    if (this.#over) {
      return;
    }
    const applied = applyDocument(this.#roster, body);
    if (applied.kind === "gap") {
      this.#subscription?.refresh();
    } else if (applied.kind === "applied") {
      this.#roster = applied.roster;
      this.#listener.onRoster(applied.roster);
    }
  }

  async #command(build: (requestId: string) => string): Promise<Refusal> {
    const response = await this.#send(build);
    if (response === null) {
      return "";
    }
    return response.succeeded ? null : response.reason;
  }

  async #send(build: (requestId: string) => string): Promise<C3pResponse | null> {
    const requestId = newRequestId();
    const reply = await this.#dialog?.request("INFO", C3P_TYPE, build(requestId));
    const response = parseResponse(reply?.body ?? "");
    return response?.requestId === requestId ? response : null;
  }

  #finish(ending: Ending): void {
    if (!this.#over) {
      this.#over = true;
      this.#subscription?.close();
      this.#listener.onOver(ending);
    }
  }
}

/** Milliseconds before a subscription that was ended on us is asked for again. */
const RESUBSCRIBE_DELAY = 2_000;

function newRequestId(): string {
  return crypto.randomUUID();
}
