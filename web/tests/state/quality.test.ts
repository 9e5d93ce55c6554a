// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Statistics } from "../../src/media/quality";
import { QualityModel } from "../../src/state/quality";

/** A voice that comes in, of which a share is lost since the look before. */
class Line {
  looks = 0;
  share = 0;
  #received = 0;
  #lost = 0;

  look = async (): Promise<Statistics | null> => {
    this.looks += 1;
    this.#received += 100 * (1 - this.share);
    this.#lost += 100 * this.share;
    return {
      screens: new Set(),
      rows: [
        {
          id: "I",
          type: "inbound-rtp",
          kind: "audio",
          timestamp: this.looks * 2000,
          packetsReceived: this.#received,
          packetsLost: this.#lost,
          bytesReceived: this.looks * 1000,
          jitter: 0,
        },
      ],
    };
  };
}

describe("QualityModel", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000);

  it("looks every two seconds, only while it is watched", async () => {
    const line = new Line();
    const model = new QualityModel(line.look);
    const stop = model.watch();
    await pass(0);
    expect(model.state.get()).toEqual({ quality: null, announced: null });
    await pass(4);
    expect(line.looks).toBe(3);
    expect(model.state.get().quality?.grade).toBe("good");
    stop();
    await pass(60);
    expect(line.looks).toBe(3);
  });

  it("announces a change only when it lasts", async () => {
    const line = new Line();
    const model = new QualityModel(line.look);
    model.watch();
    await pass(2);
    expect(model.state.get().announced).toBe("good");
    line.share = 0.4;
    await pass(2);
    expect(model.state.get()).toMatchObject({ announced: "good", quality: { grade: "poor" } });
    line.share = 0;
    await pass(2);
    line.share = 0.4;
    await pass(2);
    expect(model.state.get().announced).toBe("good");
    await pass(2);
    expect(model.state.get().announced).toBe("poor");
  });

  it("bears a connection that is gone", async () => {
    let gone = true;
    const line = new Line();
    const model = new QualityModel(() => (gone ? Promise.reject(new Error("closed")) : line.look()));
    model.watch();
    await pass(4);
    expect(model.state.get().quality).toBeNull();
    gone = false;
    await pass(4);
    expect(model.state.get().quality?.flows).toHaveLength(1);
  });
});
