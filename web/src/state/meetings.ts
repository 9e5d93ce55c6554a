/** "My meetings": the list, making one, giving one a new link, ending one. */
import { type Api, ApiProblem, createdAt, type Meeting } from "./api";
import { Store } from "./store";

export interface MeetingsState {
  readonly phase: "loading" | "ready";
  /** Newest first. */
  readonly meetings: readonly Meeting[];
  readonly creating: boolean;
  readonly trouble: "unreachable" | "refused" | null;
}

export class MeetingsModel {
  readonly state = new Store<MeetingsState>({
    phase: "loading",
    meetings: [],
    creating: false,
    trouble: null,
  });
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async load(): Promise<void> {
    const meetings = await this.#try(() => this.#api.meetings());
    if (meetings) {
      this.state.patch({ phase: "ready", meetings: newestFirst(meetings), trouble: null });
    } else {
      this.state.patch({ phase: "ready" });
    }
  }

  /** Make a meeting; null if that failed, which the state tells. */
  async create(subject: string): Promise<Meeting | null> {
    if (this.state.get().creating) {
      return null;
    }
    this.state.patch({ creating: true, trouble: null });
    const meeting = await this.#try(() => this.#api.createMeeting(subject.trim()));
    const { meetings } = this.state.get();
    this.state.patch({ creating: false, meetings: meeting ? [meeting, ...meetings] : meetings });
    return meeting;
  }

  /** Give it a new link, whoever is inside staying there. */
  async replaceKey(id: string): Promise<void> {
    const renewed = await this.#try(() => this.#api.replaceKey(id));
    if (renewed) {
      const { meetings } = this.state.get();
      this.state.patch({ meetings: meetings.map((meeting) => (meeting.id === id ? renewed : meeting)) });
    }
  }

  /** End it for everyone and take it from the list. */
  async end(id: string): Promise<void> {
    const done = await this.#try(async () => {
      await this.#api.deleteMeeting(id);
      return true;
    });
    if (done) {
      this.state.patch({ meetings: this.state.get().meetings.filter((meeting) => meeting.id !== id) });
    }
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

function newestFirst(meetings: readonly Meeting[]): readonly Meeting[] {
  return [...meetings].sort((a, b) => createdAt(b).getTime() - createdAt(a).getTime());
}
