/** The recording of the meeting one is in: one's own consent, and for leaders start, stop and progress. */

import type { RecordingProgress } from "../signalling/c3p";
import type { FocusSession, Refusal } from "../signalling/focus-session";
import type { Recording } from "../signalling/roster";
import type { Notice } from "./meeting-state";
import { Store } from "./store";

export interface RecordingState {
  /** What this person has said about the recording that goes on; null: nothing yet. */
  readonly answer: "agreed" | "declined" | null;
  /** How far it is, for those who may know. */
  readonly progress: RecordingProgress | null;
}

interface Surroundings {
  /** Have the focus do it; whether it did. */
  command(act: (focus: FocusSession) => Promise<Refusal>): Promise<boolean>;
  progress(): Promise<RecordingProgress | null>;
  tell(notice: Notice): void;
}

/** Milliseconds between questions how far it is. */
const LOOK = 1_000;

export class RecordingModel {
  readonly state = new Store<RecordingState>({ answer: null, progress: null });
  readonly #surroundings: Surroundings;
  #current: Recording | null = null;
  #starting = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** What the newest roster says. Another recording asks anew. */
  take(recording: Recording, leads: boolean): void {
    const before = this.#current;
    this.#current = recording;
    if (recording.id !== (before?.id ?? "")) {
      // Who starts one has agreed to it; the roster may come before the answer to the command.
      this.state.patch({ answer: recording.id && this.#starting ? "agreed" : null, progress: null });
    }
    if (recording.state === "failed" && before?.state === "on") {
      this.#surroundings.tell({ kind: "recording-failed" });
    }
    this.#watch(recording.state === "on" && leads);
  }

  /** Nothing is known any more, nor agreed. */
  forget(): void {
    this.#current = null;
    this.#watch(false);
    this.state.patch({ answer: null, progress: null });
  }

  /** Start; the person has been told that this is their own consent. */
  async start(): Promise<void> {
    this.#starting = true;
    const started = await this.#surroundings.command((focus) => focus.record(true));
    this.#starting = false;
    if (!started) {
      this.state.patch({ answer: null });
    }
  }

  async stop(): Promise<void> {
    await this.#surroundings.command((focus) => focus.record(false));
  }

  /** Be in the recording from now on. */
  async agree(): Promise<void> {
    if (await this.#surroundings.command((focus) => focus.agreeToRecording(true))) {
      this.state.patch({ answer: "agreed" });
    }
  }

  /** Be in it no more; who never agreed need not ask anybody. */
  async decline(): Promise<void> {
    const { answer } = this.state.get();
    if (answer !== "agreed" || (await this.#surroundings.command((focus) => focus.agreeToRecording(false)))) {
      this.state.patch({ answer: "declined" });
    }
  }

  #watch(wanted: boolean): void {
    if (wanted === (this.#timer !== undefined)) {
      return;
    }
    clearInterval(this.#timer);
    this.#timer = wanted ? setInterval(() => this.#look(), LOOK) : undefined;
    if (wanted) {
      this.#look();
    }
  }

  async #look(): Promise<void> {
    const { id } = this.#current ?? {};
    const progress = await this.#surroundings.progress();
    if (progress && id && id === this.#current?.id) {
      this.state.patch({ progress });
    }
  }
}
