// @vitest-environment node
import { describe, expect, it } from "vitest";
import VECTORS from "../../../tests/vectors/speech-scores.json";
import { gradeOf, speechScore } from "../../src/media/speech-score";

describe("speechScore", () => {
  it.each(VECTORS)("is the server's: %o", ({ loss, jitter, round_trip, score, grade }) => {
    const mine = speechScore({ loss, jitter, roundTrip: round_trip });
    expect(mine).toBeCloseTo(score, 3);
    expect(gradeOf(mine)).toBe(grade);
  });

  it("stays a score whatever it is given", () => {
    for (const loss of [-1, 0, 0.5, 2]) {
      for (const time of [0, 0.1, 1e6]) {
        const score = speechScore({ loss, jitter: time, roundTrip: time });
        expect(score).toBeGreaterThanOrEqual(1);
        expect(score).toBeLessThanOrEqual(4.5);
      }
    }
  });
});
