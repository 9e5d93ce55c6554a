/** Tells the room how large each picture is shown, so that it sends the layer that suits. */

/** Milliseconds in which changes gather, for a window that is resized changes all of them many times. */
const GATHER = 250;

export class Wishes {
  readonly #heights = new Map<string, number>();
  readonly #send: (message: string) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `send` is called with the whole message each time, and may drop it; see `repeat`. */
  constructor(send: (message: string) => void) {
    this.#send = send;
  }

  /** The picture in that slot is so many pixels high, or, with null, nothing is known of it any more. */
  set(mid: string, height: number | null): void {
    if (height === null) {
      this.#heights.delete(mid);
    } else {
      this.#heights.set(mid, Math.min(4_320, Math.max(0, Math.round(height))));
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.repeat(), GATHER);
  }

  /** Say all of it now. */
  repeat(): void {
    if (this.#heights.size > 0) {
      this.#send(JSON.stringify({ type: "want", heights: Object.fromEntries(this.#heights) }));
    }
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
