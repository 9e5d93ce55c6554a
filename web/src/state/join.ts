/** The door of one meeting: who comes (guest or member), with which devices, and the stay that follows. */
import { type Api, ApiProblem, type JoinInfo, type SessionInfo } from "./api";
import { DevicesModel } from "./devices";
import { guestIdentity, type Identity, type MeetingLink, memberIdentity } from "./identity";
import { MeetingModel } from "./meeting";
import type { SessionModel } from "./session";
import { Store } from "./store";

export interface JoinState {
  readonly info: JoinInfo | null;
  readonly trouble: "unreachable" | null;
  readonly meeting: MeetingModel | null;
}

/** The name a guest gave last time; theirs alone, on their own machine. */
const REMEMBERED_NAME = "vestibule.guest-name";

export class JoinModel {
  readonly state = new Store<JoinState>({ info: null, trouble: null, meeting: null });
  readonly devices = new DevicesModel();
  readonly link: MeetingLink;
  readonly #api: Api;

  constructor(link: MeetingLink, api: Api) {
    this.link = link;
    this.#api = api;
  }

  /** Learn where to knock. */
  async load(): Promise<void> {
    try {
      const info = await this.#api.join(this.link.organizer, this.link.id);
      this.state.patch({ info, trouble: null });
    } catch (error) {
      if (!(error instanceof ApiProblem)) {
        throw error;
      }
      this.state.patch({ trouble: "unreachable" });
    }
  }

  rememberedName(): string {
    return localStorage.getItem(REMEMBERED_NAME) ?? "";
  }

  /** A guest says a name: that is the knock. */
  knock(name: string): void {
    const { info } = this.state.get();
    const { key } = this.link;
    if (info && key !== null) {
      localStorage.setItem(REMEMBERED_NAME, name);
      this.#enter(guestIdentity(this.link, key, name, info));
    }
  }

  /** A member comes with their own name, and an association for each connection. */
  joinAs({ person }: SessionInfo, session: SessionModel): void {
    const { info } = this.state.get();
    if (info) {
      this.#enter(memberIdentity(person.aor, person.display_name, () => session.associate(person.aor), info));
    }
  }

  /** Back to the door, after a stay has ended. */
  again(): void {
    this.state.patch({ meeting: null });
  }

  /** The page goes away. */
  close(): void {
    this.state.get().meeting?.leave();
    this.devices.stop();
  }

  #enter(identity: Identity): void {
    if (this.state.get().meeting) {
      return;
    }
    const meeting = new MeetingModel(identity, this.devices);
    this.state.patch({ meeting });
    this.devices.start();
    meeting.start();
  }
}
