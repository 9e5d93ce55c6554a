/**
 * How one's own connection fares, from what the browser counts (W3C webrtc-stats): what comes in as we see it, what goes
 * out as the server reports it by RTCP. Pure: two looks in, the difference out.
 */
import { type Grade, gradeOf, speechScore } from "./speech-score";

/** One look at a peer connection: its rows, and the m-lines of shared screens. */
export interface Statistics {
  readonly rows: readonly StatisticsRow[];
  readonly screens: ReadonlySet<string>;
}

/** A row of any type; only what is a number or text is ever used. */
export type StatisticsRow = Readonly<Record<string, unknown>>;

export type Source = "audio" | "camera" | "screen";
export type Direction = "sent" | "received";

/** One source in one direction. Loss from 0 to 1, jitter in seconds; null: not known yet. */
export interface Flow {
  readonly direction: Direction;
  readonly source: Source;
  readonly loss: number | null;
  readonly jitter: number | null;
  /** Bits a second. */
  readonly bitrate: number;
  /** Of the largest picture, such as "1280×720". */
  readonly resolution: string | null;
  readonly codec: string | null;
}

/** How media gets to the server. */
export interface Path {
  readonly kind: "direct" | "relay";
  readonly protocol: "udp" | "tcp" | "tls";
}

export interface Quality {
  /** null while too little is known. */
  readonly grade: Grade | null;
  /** Seconds. */
  readonly roundTrip: number | null;
  readonly path: Path | null;
  readonly flows: readonly Flow[];
}

/** From this share of lost packets on, video is fair or poor, however good speech is. */
const FAIR_VIDEO_LOSS = 0.03;
const POOR_VIDEO_LOSS = 0.1;
const WORST_FIRST: readonly Grade[] = ["poor", "fair", "good"];
const SOURCES: readonly Source[] = ["audio", "camera", "screen"];

/** What has happened between two looks. */
export function qualityBetween(before: Statistics, now: Statistics): Quality {
  const index = new Map(now.rows.map((row) => [text(row, "id"), row]));
  const earlier = new Map(before.rows.map((row) => [text(row, "id"), row]));
  const flows: Flow[] = [];
  for (const direction of ["sent", "received"] as const) {
    for (const source of SOURCES) {
      const rows = rowsOf(now, direction, source);
      const streams = rows.map((row) => streamOf(row, direction, index, earlier));
      const flow = flowOf(direction, source, streams);
      if (flow) {
        flows.push(flow);
      }
    }
  }
  const pair = chosenPair(now.rows, index);
  const roundTrip = pair ? number(pair, "currentRoundTripTime") : null;
  return { grade: gradeFor(flows, roundTrip), roundTrip, path: pathOf(pair, index), flows };
}

interface Stream {
  readonly packets: number;
  readonly bits: number;
  readonly seconds: number;
  readonly loss: number | null;
  readonly jitter: number | null;
  readonly width: number;
  readonly height: number;
  readonly codec: string | null;
}

function rowsOf({ rows, screens }: Statistics, direction: Direction, source: Source): StatisticsRow[] {
  const type = direction === "sent" ? "outbound-rtp" : "inbound-rtp";
  return rows.filter((row) => {
    const isScreen = screens.has(text(row, "mid"));
    const kind = row["kind"] === "audio" ? "audio" : isScreen ? "screen" : "camera";
    return row["type"] === type && kind === source;
  });
}

type Rows = ReadonlyMap<string, StatisticsRow>;

function streamOf(row: StatisticsRow, direction: Direction, index: Rows, earlier: Rows): Stream {
  const before = earlier.get(text(row, "id")) ?? {};
  const since = (name: string) => Math.max((number(row, name) ?? 0) - (number(before, name) ?? 0), 0);
  const sent = direction === "sent";
  const packets = since(sent ? "packetsSent" : "packetsReceived");
  const codec = index.get(text(row, "codecId"));
  const report = sent ? index.get(text(row, "remoteId")) : undefined;
  const lost = since("packetsLost");
  const seen = packets + lost > 0 ? lost / (packets + lost) : null;
  return {
    packets,
    bits: 8 * since(sent ? "bytesSent" : "bytesReceived"),
    seconds: ((number(row, "timestamp") ?? 0) - (number(before, "timestamp") ?? 0)) / 1000,
    loss: sent ? fieldOf(report, "fractionLost") : seen,
    jitter: sent ? fieldOf(report, "jitter") : number(row, "jitter"),
    width: number(row, "frameWidth") ?? 0,
    height: number(row, "frameHeight") ?? 0,
    codec: codec ? (text(codec, "mimeType").split("/")[1] ?? null) : null,
  };
}

/** All streams of a source as one; null if nothing has moved. */
function flowOf(direction: Direction, source: Source, streams: readonly Stream[]): Flow | null {
  const moving = streams.filter((stream) => stream.packets > 0 && stream.seconds > 0);
  const [first] = moving;
  if (!first) {
    return null;
  }
  const reported = moving.filter((stream) => stream.loss !== null);
  const weight = sum(reported.map((stream) => stream.packets));
  const jitters = moving.flatMap((stream) => (stream.jitter === null ? [] : [stream.jitter]));
  const largest = moving.reduce((a, b) => (b.width * b.height > a.width * a.height ? b : a));
  return {
    direction,
    source,
    loss: weight > 0 ? sum(reported.map((stream) => (stream.loss ?? 0) * stream.packets)) / weight : null,
    jitter: jitters.length > 0 ? Math.max(...jitters) : null,
    bitrate: Math.round(sum(moving.map((stream) => stream.bits / stream.seconds))),
    resolution: largest.width > 0 ? `${largest.width}×${largest.height}` : null,
    codec: first.codec,
  };
}

function chosenPair(rows: readonly StatisticsRow[], index: Rows): StatisticsRow | null {
  const transport = rows.find((row) => row["type"] === "transport");
  const named = transport ? index.get(text(transport, "selectedCandidatePairId")) : undefined;
  // Firefox has no transport rows; there the pair says itself that it is the one.
  return named ?? rows.find((row) => row["type"] === "candidate-pair" && row["selected"] === true) ?? null;
}

function pathOf(pair: StatisticsRow | null, index: Rows): Path | null {
  const local = pair ? index.get(text(pair, "localCandidateId")) : undefined;
  if (!local) {
    return null;
  }
  const kind = local["candidateType"] === "relay" ? "relay" : "direct";
  const named = text(local, kind === "relay" ? "relayProtocol" : "protocol");
  const protocol = named === "tls" || named === "tcp" ? named : "udp";
  return { kind, protocol };
}

function gradeFor(flows: readonly Flow[], roundTrip: number | null): Grade | null {
  const grades = flows.flatMap(({ source, loss, jitter }): Grade[] => {
    if (loss === null) {
      return [];
    }
    if (source === "audio") {
      return [gradeOf(speechScore({ loss, jitter: jitter ?? 0, roundTrip: roundTrip ?? 0 }))];
    }
    return [loss >= POOR_VIDEO_LOSS ? "poor" : loss >= FAIR_VIDEO_LOSS ? "fair" : "good"];
  });
  return WORST_FIRST.find((grade) => grades.includes(grade)) ?? null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function number(row: StatisticsRow, name: string): number | null {
  const value = row[name];
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function fieldOf(row: StatisticsRow | undefined, name: string): number | null {
  return row ? number(row, name) : null;
}

function text(row: StatisticsRow, name: string): string {
  const value = row[name];
  return typeof value === "string" ? value : "";
}
