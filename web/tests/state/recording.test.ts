import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { FocusSession, Refusal } from "../../src/signalling/focus-session";
import type { Recording } from "../../src/signalling/roster";
import type { Notice } from "../../src/state/meeting-state";
import { RecordingModel } from "../../src/state/recording";

const OFF: Recording = { state: "off", id: "", by: "" };
const ON: Recording = { state: "on", id: "r1", by: "Ann" };

/** A focus that does what it is asked, or refuses; and what it was asked. */
class Focus {
  readonly asked: string[] = [];
  readonly told: Notice[] = [];
  refuses = false;
  looks = 0;
  beforeAnswer: () => void = () => {};

  readonly model = new RecordingModel({
    command: async (act) => {
      const refusal = await act(this as unknown as FocusSession);
      return refusal === null;
    },
    progress: async () => {
      this.looks += 1;
      return { seconds: this.looks, octets: 1000 };
    },
    tell: (notice) => this.told.push(notice),
  });

  async record(on: boolean): Promise<Refusal> {
    return this.#do(on ? "start" : "stop");
  }

  async agreeToRecording(agreed: boolean): Promise<Refusal> {
    return this.#do(agreed ? "agree" : "disagree");
  }

  #do(what: string): Refusal {
    this.asked.push(what);
    this.beforeAnswer();
    return this.refuses ? "accessDenied" : null;
  }
}

describe("RecordingModel", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("asks about each recording anew, and agrees to none by itself", async () => {
    const focus = new Focus();
    const { model } = focus;
    model.take(ON, false);
    expect(model.state.get().answer).toBeNull();
    await model.agree();
    expect(model.state.get().answer).toBe("agreed");
    model.take(ON, false);
    expect(model.state.get().answer).toBe("agreed");
    model.take(OFF, false);
    model.take({ ...ON, id: "r2" }, false);
    expect(model.state.get().answer).toBeNull();
    expect(focus.asked).toEqual(["agree"]);
  });

  it("does not ask who starts it, whichever of roster and answer comes first", async () => {
    const focus = new Focus();
    focus.model.take(OFF, true);
    focus.beforeAnswer = () => focus.model.take(ON, true);
    await focus.model.start();
    expect(focus.model.state.get().answer).toBe("agreed");
  });

  it("asks whose start was refused because somebody else had started", async () => {
    const focus = new Focus();
    focus.refuses = true;
    focus.beforeAnswer = () => focus.model.take(ON, true);
    await focus.model.start();
    expect(focus.model.state.get().answer).toBeNull();
  });

  it("tells the server of a no only if there was a yes", async () => {
    const focus = new Focus();
    focus.model.take(ON, false);
    await focus.model.decline();
    expect(focus.model.state.get().answer).toBe("declined");
    await focus.model.agree();
    await focus.model.decline();
    expect(focus.asked).toEqual(["agree", "disagree"]);
  });

  it("keeps showing what is so when the server doesn't take the answer", async () => {
    const focus = new Focus();
    focus.model.take(ON, false);
    focus.refuses = true;
    await focus.model.agree();
    expect(focus.model.state.get().answer).toBeNull();
  });

  it("forgets everything when one comes back as somebody new", async () => {
    const { model } = new Focus();
    model.take(ON, false);
    await model.agree();
    model.forget();
    model.take(ON, false);
    expect(model.state.get().answer).toBeNull();
  });

  it("looks how far it is while it runs, for leaders only", async () => {
    const focus = new Focus();
    focus.model.take(ON, false);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(focus.looks).toBe(0);
    focus.model.take(ON, true);
    await vi.advanceTimersByTimeAsync(2_500);
    expect(focus.model.state.get().progress).toEqual({ seconds: 3, octets: 1000 });
    focus.model.take(OFF, true);
    expect(focus.model.state.get().progress).toBeNull();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(focus.looks).toBe(3);
  });

  it("says when it ended by itself", () => {
    const focus = new Focus();
    focus.model.take({ ...OFF, state: "failed" }, true);
    expect(focus.told).toEqual([]);
    focus.model.take(ON, true);
    focus.model.take({ ...OFF, state: "failed" }, true);
    expect(focus.told).toEqual([{ kind: "recording-failed" }]);
  });
});
