/**
 * The one peer connection to the meeting's room: three tracks out, a fixed set of slots in, so that
 * nobody's coming or going renegotiates anything (DESIGN.md section 5, "Receiving many people").
 */
import type { Statistics, StatisticsRow } from "./quality";
import { parseRoomMessage, type SlotMap } from "./slots";
import { Wishes } from "./wishes";

export const AUDIO_SLOTS = 3;
export const VIDEO_SLOTS = 9;

/** What is sent; each has one sender, made once, whose track is swapped. */
export type Outgoing = "audio" | "camera" | "screen";

export interface RoomListener {
  onSlots(slots: SlotMap): void;
  onSpeaker(endpoint: string | null): void;
  onState(state: "connecting" | "connected" | "lost"): void;
}

/** The camera in three sizes, the smallest first: the room gives each receiver the one that suits it. */
const CAMERA_LAYERS: RTCRtpEncodingParameters[] = [
  { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 450_000 },
  { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 1_300_000 },
];
/** In bits per second. */
const SCREEN_BITRATE = 2_500_000;

export class RoomConnection {
  readonly #connection: RTCPeerConnection;
  readonly #senders: Readonly<Record<Outgoing, RTCRtpSender>>;
  readonly #streams = new Map<string, MediaStream>();
  readonly #receivers: RTCRtpTransceiver[] = [];
  readonly #wishes: Wishes;

  constructor(iceServers: RTCIceServer[], listener: RoomListener) {
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers });
    this.#connection = connection;
    // The order is the contract with the room; Chromium writes the data channel's line last.
    this.#senders = {
      audio: this.#addSender("audio", []),
      camera: this.#addSender("video", CAMERA_LAYERS),
      screen: this.#addSender("video", [{ maxBitrate: SCREEN_BITRATE }]),
    };
    const channel = connection.createDataChannel("room");
    this.#wishes = new Wishes((message) => {
      if (channel.readyState === "open") {
        channel.send(message);
      }
    });
    channel.onopen = () => this.#wishes.repeat();
    this.#addReceivers("audio", AUDIO_SLOTS);
    this.#addReceivers("video", VIDEO_SLOTS);
    this.#addReceivers("video", 1); // the screen
    channel.onmessage = ({ data }) => {
      const message = typeof data === "string" ? parseRoomMessage(data) : null;
      if (message?.type === "slots") {
        listener.onSlots(message.slots);
      } else if (message?.type === "speaker") {
        listener.onSpeaker(message.endpoint);
      }
    };
    connection.onconnectionstatechange = () => {
      const state = connection.connectionState;
      if (state === "connected") {
        listener.onState("connected");
      } else if (state === "failed") {
        listener.onState("lost");
      } else if (state === "connecting" || state === "disconnected") {
        listener.onState("connecting");
      }
    };
  }

  /** The SDP to offer. No candidates are awaited: the room is ICE lite and learns ours from our checks. */
  async offer(): Promise<string> {
    await this.#connection.setLocalDescription();
    return this.#connection.localDescription?.sdp ?? "";
  }

  /** Take the room's answer. Rejects if it doesn't fit the offer. */
  async accept(answer: string): Promise<void> {
    await this.#connection.setRemoteDescription({ type: "answer", sdp: answer });
    for (const { mid, receiver } of this.#receivers) {
      if (mid !== null) {
        this.#streams.set(mid, new MediaStream([receiver.track]));
      }
    }
  }

  /** Send that track from now on, or nothing; no negotiation is needed. */
  send(what: Outgoing, track: MediaStreamTrack | null): Promise<void> {
    return this.#senders[what].replaceTrack(track);
  }

  /** The stream of the receive slot with that mid; null before the answer came. */
  streamOf(mid: string): MediaStream | null {
    return this.#streams.get(mid) ?? null;
  }

  /** How many pixels high the picture in that slot is shown; null: it is shown no more. */
  showAt(mid: string, height: number | null): void {
    this.#wishes.set(mid, height);
  }

  /** Streams of all audio slots; all of them are to be played. */
  audioStreams(): MediaStream[] {
    return [...this.#streams.values()].filter((stream) => stream.getAudioTracks().length > 0);
  }

  /** What the browser counts. The screen's lines are the last of those sent and of those received. */
  async statistics(): Promise<Statistics> {
    const received = this.#receivers.at(-1)?.mid;
    const sent = this.#connection
      .getTransceivers()
      .find(({ sender }) => sender === this.#senders.screen)?.mid;
    const rows: StatisticsRow[] = [...(await this.#connection.getStats()).values()];
    return { rows, screens: new Set([sent ?? "", received ?? ""].filter(Boolean)) };
  }

  close(): void {
    this.#wishes.close();
    this.#connection.onconnectionstatechange = null;
    this.#connection.close();
  }

  #addSender(kind: "audio" | "video", sendEncodings: RTCRtpEncodingParameters[]): RTCRtpSender {
    const transceiver = this.#connection.addTransceiver(kind, { direction: "sendonly", sendEncodings });
    preferCommonCodecs(transceiver, kind);
    return transceiver.sender;
  }

  #addReceivers(kind: "audio" | "video", count: number): void {
    for (let index = 0; index < count; index += 1) {
      const transceiver = this.#connection.addTransceiver(kind, { direction: "recvonly" });
      preferCommonCodecs(transceiver, kind);
      this.#receivers.push(transceiver);
    }
  }
}

/**
 * Offer only what every browser can send and receive, for the room forwards without decoding: Opus, and
 * VP8 with retransmission. It also keeps the offer of 17 lines well within one SIP message.
 */
function preferCommonCodecs(transceiver: RTCRtpTransceiver, kind: "audio" | "video"): void {
  const wanted = kind === "audio" ? ["audio/opus"] : ["video/vp8", "video/rtx"];
  const codecs = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
  const chosen = codecs.filter((codec) => wanted.includes(codec.mimeType.toLowerCase()));
  if (chosen.length > 0) {
    transceiver.setCodecPreferences(chosen);
  }
}
