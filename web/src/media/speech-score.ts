/**
 * How good speech sounds, estimated from loss, jitter and round trip: the E-model (ITU-T G.107, simplified), the same that
 * the server uses (`vestibule/media/mos.py`); tests/vectors/speech-scores.json holds both to the same scores.
 */

/** What the network does to one way. Times in seconds; loss from 0 to 1. */
export interface Speech {
  readonly loss: number;
  readonly jitter: number;
  readonly roundTrip: number;
}

export type Grade = "good" | "fair" | "poor";

const BEST = 93.2;
/** How well Opus, with concealment, bears loss, in per cent. */
const ROBUSTNESS = 25.1;
/** Seconds of speech in a packet. */
const PACKETIZATION = 0.02;
/** Milliseconds from which on delay is felt in turns of talk. */
const TOO_LATE = 177.3;

/** The mean opinion score, 1.0 to 4.5. */
export function speechScore({ loss, jitter, roundTrip }: Speech): number {
  const delay = (roundTrip / 2 + PACKETIZATION + 2 * jitter) * 1000;
  const lost = Math.min(Math.max(loss, 0), 1) * 100;
  const byDelay = 0.024 * delay + 0.11 * Math.max(delay - TOO_LATE, 0);
  const byLoss = (95 * lost) / (lost + ROBUSTNESS);
  const rating = Math.min(Math.max(BEST - byDelay - byLoss, 0), 100);
  return Math.max(1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6, 1);
}

/** What people would call such a score. */
export function gradeOf(score: number): Grade {
  if (score >= 4.0) {
    return "good";
  }
  return score >= 3.1 ? "fair" : "poor";
}
