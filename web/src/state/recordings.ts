/** "Recordings": the list, downloading one, deleting one. */
import { type Api, ApiProblem, type KeptRecording } from "./api";
import { Store } from "./store";

export interface RecordingsState {
  readonly phase: "loading" | "ready";
  /** Newest first. */
  readonly recordings: readonly KeptRecording[];
  /** Ids of those that are on their way here. */
  readonly downloading: ReadonlySet<string>;
  readonly trouble: "unreachable" | "refused" | null;
}

export class RecordingsModel {
  readonly state = new Store<RecordingsState>({
    phase: "loading",
    recordings: [],
    downloading: new Set(),
    trouble: null,
  });
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async load(): Promise<void> {
    const recordings = await this.#try(() => this.#api.recordings());
    this.state.patch({ phase: "ready", ...(recordings ? { recordings, trouble: null } : {}) });
  }

  /** Fetch the file; null if that failed, which the state tells. */
  async download(id: string): Promise<Blob | null> {
    if (this.state.get().downloading.has(id)) {
      return null;
    }
    this.#downloading((ids) => ids.add(id));
    const file = await this.#try(() => this.#api.recordingFile(id));
    this.#downloading((ids) => ids.delete(id));
    return file;
  }

  /** Delete it on the server and take it from the list. */
  async remove(id: string): Promise<void> {
    const done = await this.#try(async () => {
      await this.#api.deleteRecording(id);
      return true;
    });
    if (done) {
      const recordings = this.state.get().recordings.filter((one) => one.id !== id);
      this.state.patch({ recordings, trouble: null });
    }
  }

  #downloading(change: (ids: Set<string>) => void): void {
    const ids = new Set(this.state.get().downloading);
    change(ids);
    this.state.patch({ downloading: ids });
  }

  async #try<T>(act: () => Promise<T>): Promise<T | null> {
    try {
      return await act();
    } catch (error) {
      const reached = error instanceof ApiProblem && error.status !== 0;
      this.state.patch({ trouble: reached ? "refused" : "unreachable" });
      return null;
    }
  }
}
