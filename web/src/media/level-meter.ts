/** How loud a microphone is right now, from 0 to 1, for a meter on the screen. */
export class LevelMeter {
  readonly #context = new AudioContext();
  readonly #analyser = this.#context.createAnalyser();
  readonly #samples = new Float32Array(512);

  constructor(track: MediaStreamTrack) {
    this.#analyser.fftSize = 512;
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser);
    // Without a click on the page the browser holds the context back; then the meter rests at 0.
    this.#context.resume().catch(() => {});
  }

  /** Root mean square of the newest samples on a scale that makes speech visible. */
  read(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) {
      sum += sample * sample;
    }
    return Math.min(1, Math.sqrt(sum / this.#samples.length) * 4);
  }

  close(): void {
    this.#context.close().catch(() => {});
  }
}
