// @vitest-environment node
import { describe, expect, it } from "vitest";
import { qualityBetween, type Statistics, type StatisticsRow } from "../../src/media/quality";

/** A connection by TLS through the relay, after so many seconds, each of which lost so many of 50 voice packets. */
function look(seconds: number, lostEach = 0, more: readonly StatisticsRow[] = []): Statistics {
  const timestamp = seconds * 1000;
  return {
    screens: new Set(["2", "16"]),
    rows: [
      { id: "T", type: "transport", selectedCandidatePairId: "P" },
      { id: "P0", type: "candidate-pair", nominated: true, localCandidateId: "L0", currentRoundTripTime: 9 },
      { id: "P", type: "candidate-pair", nominated: true, localCandidateId: "L", currentRoundTripTime: 0.04 },
      { id: "L0", type: "local-candidate", candidateType: "host", protocol: "udp" },
      { id: "L", type: "local-candidate", candidateType: "relay", protocol: "udp", relayProtocol: "tls" },
      { id: "C", type: "codec", mimeType: "audio/opus" },
      {
        id: "I1",
        type: "inbound-rtp",
        kind: "audio",
        mid: "3",
        codecId: "C",
        timestamp,
        packetsReceived: seconds * (50 - lostEach),
        packetsLost: seconds * lostEach,
        bytesReceived: seconds * 4000,
        jitter: 0.003,
      },
      {
        id: "O1",
        type: "outbound-rtp",
        kind: "audio",
        mid: "0",
        codecId: "C",
        remoteId: "R1",
        timestamp,
        packetsSent: seconds * 50,
        bytesSent: seconds * 5000,
      },
      { id: "R1", type: "remote-inbound-rtp", kind: "audio", fractionLost: 0.01, jitter: 0.002 },
      ...more,
    ],
  };
}

function video(id: string, seconds: number, changes: StatisticsRow): StatisticsRow {
  return {
    id,
    type: "outbound-rtp",
    kind: "video",
    mid: "1",
    timestamp: seconds * 1000,
    packetsSent: seconds * 100,
    bytesSent: seconds * 100_000,
    ...changes,
  };
}

describe("qualityBetween", () => {
  it("tells both directions, the path, and what it adds up to", () => {
    expect(qualityBetween(look(10), look(12))).toEqual({
      grade: "good",
      roundTrip: 0.04,
      path: { kind: "relay", protocol: "tls" },
      flows: [
        {
          direction: "sent",
          source: "audio",
          loss: 0.01,
          jitter: 0.002,
          bitrate: 40_000,
          resolution: null,
          codec: "opus",
        },
        {
          direction: "received",
          source: "audio",
          loss: 0,
          jitter: 0.003,
          bitrate: 32_000,
          resolution: null,
          codec: "opus",
        },
      ],
    });
  });

  it("counts loss since the look before, not since the beginning", () => {
    const received = qualityBetween(look(10, 10), look(12, 10)).flows[1];
    expect(received?.loss).toBeCloseTo(0.2);
    expect(qualityBetween(look(10, 10), look(12, 10)).grade).toBe("poor");
  });

  it("takes the layers of a camera as one, and a screen for itself", () => {
    const layers = (seconds: number) =>
      look(seconds, 0, [
        video("V1", seconds, { frameWidth: 320, frameHeight: 180, remoteId: "RV" }),
        video("V2", seconds, { frameWidth: 1280, frameHeight: 720 }),
        video("S", seconds, { mid: "2", frameWidth: 1920, frameHeight: 1080 }),
        { id: "RV", type: "remote-inbound-rtp", kind: "video", fractionLost: 0.04, jitter: 0.01 },
      ]);
    const { flows, grade } = qualityBetween(layers(4), layers(6));
    const [, camera, screen] = flows;
    expect(camera).toMatchObject({
      source: "camera",
      resolution: "1280×720",
      bitrate: 1_600_000,
      loss: 0.04,
    });
    expect(screen).toMatchObject({ source: "screen", resolution: "1920×1080", loss: null });
    expect(grade).toBe("fair");
  });

  it("leaves out what doesn't move, and grades nothing without a report", () => {
    const idle = look(10);
    expect(qualityBetween(idle, idle)).toMatchObject({ flows: [], grade: null });
    expect(qualityBetween({ rows: [], screens: new Set() }, { rows: [], screens: new Set() })).toEqual({
      grade: null,
      roundTrip: null,
      path: null,
      flows: [],
    });
  });

  it("takes rows that aren't what they should be", () => {
    const odd: StatisticsRow[] = [
      { id: 5, type: "inbound-rtp", kind: "audio", packetsReceived: "many", timestamp: Number.NaN },
      { type: "candidate-pair", selected: true, localCandidateId: "L" },
    ];
    const { flows } = qualityBetween({ rows: odd, screens: new Set() }, { rows: odd, screens: new Set() });
    expect(flows).toEqual([]);
  });
});
