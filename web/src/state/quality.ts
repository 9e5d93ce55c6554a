/** How the connection fares, looked at every two seconds for as long as somebody wants to see it. */
import { type Quality, qualityBetween, type Statistics } from "../media/quality";
import type { Grade } from "../media/speech-score";
import { Store } from "./store";

/** Milliseconds between two looks. */
const INTERVAL = 2_000;

export interface QualityState {
  /** The newest numbers; null while there are none. */
  readonly quality: Quality | null;
  /** What is said aloud: it changes only when two looks agree, so that nobody is told of every ripple. */
  readonly announced: Grade | null;
}

export class QualityModel {
  readonly state = new Store<QualityState>({ quality: null, announced: null });
  readonly #look: () => Promise<Statistics | null>;
  #before: Statistics | null = null;
  #gradeBefore: Grade | null = null;
  #timer: ReturnType<typeof setInterval> | null = null;

  /** `look` gives the statistics of the connection that there is; null if there is none. */
  constructor(look: () => Promise<Statistics | null>) {
    this.#look = look;
  }

  /** Begin to look. The function returned ends it. */
  watch(): () => void {
    this.#before = null;
    this.#gradeBefore = null;
    this.state.set({ quality: null, announced: null });
    void this.#takeNow();
    const timer = setInterval(() => void this.#takeNow(), INTERVAL);
    this.#timer = timer;
    return () => {
      clearInterval(timer);
      if (this.#timer === timer) {
        this.#timer = null;
      }
    };
  }

  async #takeNow(): Promise<void> {
    const timer = this.#timer;
    // A connection that is being closed refuses; the next look is at its successor.
    const now = await this.#look().catch(() => null);
    if (timer !== null && timer !== this.#timer) {
      return;
    }
    const quality = now && this.#before ? qualityBetween(this.#before, now) : null;
    this.#before = now;
    const grade = quality?.grade ?? null;
    const agreed = grade !== null && (grade === this.#gradeBefore || this.state.get().announced === null);
    this.#gradeBefore = grade;
    this.state.patch({ quality, ...(agreed ? { announced: grade } : {}) });
  }
}
