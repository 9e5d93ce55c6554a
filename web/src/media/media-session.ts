/** Our media in one meeting: the token, the INVITE to the audio-video endpoint, and the room behind it. */
import type { FocusSession } from "../signalling/focus-session";
import type { InviteDialog, SipReply } from "../signalling/invite-dialog";
import type { SipAgent } from "../signalling/sip-agent";
import { RoomConnection, type RoomListener } from "./room-connection";

export interface MediaListener extends RoomListener {
  /** The media is over, and not by our own wish. `worthRetrying`: whether asking again could help. */
  onOver(worthRetrying: boolean): void;
}

export class MediaSession {
  /** Our name in the roster and in slot maps. */
  readonly endpoint = crypto.randomUUID();
  readonly #agent: SipAgent;
  readonly #focus: FocusSession;
  readonly #listener: MediaListener;
  #room: RoomConnection | null = null;
  #dialog: InviteDialog | null = null;
  #over = false;

  constructor(agent: SipAgent, focus: FocusSession, listener: MediaListener) {
    this.#agent = agent;
    this.#focus = focus;
    this.#listener = listener;
  }

  /** Join the room. `prepare` is called with the room before the offer is made, to give it its tracks. */
  async start(prepare: (room: RoomConnection) => void): Promise<void> {
    const access = await this.#focus.requestMedia(this.endpoint);
    if (this.#over) {
      return;
    }
    if (!access) {
      this.#fail();
      return;
    }
    const { relay } = access;
    const iceServers = relay
      ? [{ urls: relay.uris, username: relay.username, credential: relay.password }]
      : [];
    const room = new RoomConnection(iceServers, this.#listener);
    this.#room = room;
    prepare(room);
    const offer = await room.offer();
    if (this.#over) {
      return;
    }
    this.#dialog = this.#agent.invite(
      {
        target: access.uri,
        contentType: "application/sdp",
        body: offer,
        headers: [`Conference-Token: ${access.token}`],
      },
      {
        onProgress: () => {},
        onAccepted: (reply) => this.#answered(room, reply),
        // 488: the room can't serve what this browser offers, and it would offer the same again.
        onRefused: ({ status }) => this.#fail(status !== 488),
        onEnded: () => this.#fail(),
      },
    );
  }

  /** The room, once there is one. */
  get room(): RoomConnection | null {
    return this.#room;
  }

  close(): void {
    this.#over = true;
    this.#room?.close();
    this.#dialog?.close();
  }

  #answered(room: RoomConnection, reply: SipReply): void {
    room.accept(reply.body).catch(() => this.#fail());
  }

  #fail(worthRetrying = true): void {
    if (!this.#over) {
      this.close();
      this.#listener.onOver(worthRetrying);
    }
  }
}
