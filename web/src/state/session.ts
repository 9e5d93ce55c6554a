/** Who is signed in: OpenID Connect code flow with PKCE, tokens kept for this tab only and bound to the browser's key. */
import { ErrorResponse, type User, UserManager, WebStorageStateStore } from "oidc-client-ts";
import { type Association, agree } from "../signalling/association";
import { Api, ApiProblem, type SessionInfo } from "./api";
import { BrowserKey } from "./browser-key";
import { Store } from "./store";

export type SessionState =
  | { readonly phase: "starting" }
  | { readonly phase: "signed-out"; readonly trouble: SessionTrouble | null }
  | { readonly phase: "signed-in"; readonly info: SessionInfo };

export type SessionTrouble = "unreachable" | "expired" | "refused";

/** What survives the way over the sign-in page. It stays in this tab's storage, conference key included. */
interface Errand {
  readonly returnTo: string;
}

/** Says that somebody signed in with this browser and hasn't signed out: no secret, only a hint. */
const HINT = "vestibule.member";

/** What a silent sign-in answers when somebody has to be asked something first (OpenID Connect Core 3.1.2.6). */
const ASKED: ReadonlySet<string> = new Set(["login_required", "interaction_required"]);

const CLIENT_ID = "vestibule-web";

/** Seconds before its end at which a token counts as expired. */
const LEEWAY = 30;

export class SessionModel {
  readonly state = new Store<SessionState>({ phase: "starting" });
  readonly api: Api;
  readonly #users: UserManager;
  readonly #key = new BrowserKey();

  constructor() {
    this.#users = newUserManager(window.location.origin, this.#key);
    this.api = new Api((method, path, nonce) => this.#prove(method, path, nonce));
  }

  /** Take up the session of this tab, if there is one. */
  async start(): Promise<void> {
    const user = await this.#users.getUser();
    if (!user) {
      this.state.set({ phase: "signed-out", trouble: null });
      return;
    }
    await this.#load();
  }

  /** A member who opens a link in a new tab is signed in at the identity provider, but this tab can't know. */
  mayBeMember(): boolean {
    return localStorage.getItem(HINT) !== null;
  }

  /** Leave for the sign-in page; `silently` comes back at once if nobody is signed in there. */
  async signIn(returnTo: string, silently = false): Promise<void> {
    const errand: Errand = { returnTo };
    try {
      await this.#users.signinRedirect({ state: errand, ...(silently ? { prompt: "none" } : {}) });
    } catch {
      this.state.set({ phase: "signed-out", trouble: "unreachable" });
    }
  }

  /** Come back from the sign-in page; the answer is where the person wanted to go. */
  async finishSignIn(): Promise<string> {
    try {
      const user = await this.#users.signinCallback();
      localStorage.setItem(HINT, "1");
      await this.#load();
      return returnOf(user?.state);
    } catch (error) {
      localStorage.removeItem(HINT);
      const asked = error instanceof ErrorResponse && ASKED.has(error.error ?? "");
      this.state.set({ phase: "signed-out", trouble: asked ? null : "refused" });
      return returnOf(error instanceof ErrorResponse ? error.state : null);
    }
  }

  async signOut(): Promise<void> {
    localStorage.removeItem(HINT);
    try {
      await this.#key.forget(CLIENT_ID);
      await this.#users.signoutRedirect();
    } catch {
      await this.#users.removeUser();
      this.state.set({ phase: "signed-out", trouble: null });
    }
  }

  /** Who is signed in, with a token that is valid now, renewed if need be. Rejects, and signs out, when that can't be had. */
  async #member(renew: boolean): Promise<User> {
    const user = await this.#users.getUser();
    if (user && !renew && (user.expires_in ?? 0) > LEEWAY) {
      return user;
    }
    return (user ? await this.#renew() : null) ?? this.#signedOut(user ? "expired" : null);
  }

  async #signedOut(trouble: SessionTrouble | null): Promise<never> {
    await this.#users.removeUser();
    this.state.set({ phase: "signed-out", trouble });
    throw new ApiProblem(401, "signed out");
  }

  /** The token, and the proof that it is ours. */
  async #prove(method: string, path: string, nonce: string | null): Promise<Record<string, string>> {
    const user = await this.#member(false);
    const url = `${window.location.origin}${path}`;
    const proof = await this.#users.dpopProof(url, user, method, nonce ?? undefined);
    if (!proof) {
      return this.#signedOut("expired"); // the browser has lost the key, so the token is worth nothing
    }
    return { Authorization: `DPoP ${user.access_token}`, DPoP: proof };
  }

  /** A new security association of the signed-in person, for one connection. */
  associate(person: string): Promise<Association> {
    return agree(person, async (publicKey) => {
      try {
        return await this.api.associate(publicKey);
      } catch (error) {
        if (!(error instanceof ApiProblem && error.status === 401)) {
          throw error;
        }
      }
      await this.#member(true); // the old one looked good, but the server thinks otherwise
      return this.api.associate(publicKey);
    });
  }

  /** One renewal at a time: refresh tokens rotate, so a second use of the old one would end the session. */
  #renewing: Promise<User | null> | null = null;

  #renew(): Promise<User | null> {
    this.#renewing ??= this.#users
      .signinSilent()
      .catch(() => null)
      .finally(() => {
        this.#renewing = null;
      });
    return this.#renewing;
  }

  async #load(): Promise<void> {
    try {
      this.state.set({ phase: "signed-in", info: await this.api.session() });
    } catch (error) {
      const trouble = error instanceof ApiProblem && error.status !== 0 ? "refused" : "unreachable";
      this.state.set({ phase: "signed-out", trouble });
    }
  }
}

function returnOf(state: unknown): string {
  const returnTo = (state as Errand | null)?.returnTo;
  // Only ever a path of our own: the state comes back through the browser.
  return typeof returnTo === "string" && /^\/(?!\/)/.test(returnTo) ? returnTo : "/";
}

function newUserManager(origin: string, key: BrowserKey): UserManager {
  return new UserManager({
    authority: `${origin}/identity`,
    client_id: CLIENT_ID,
    dpop: { bind_authorization_code: true, store: key },
    redirect_uri: `${origin}/app/callback`,
    post_logout_redirect_uri: `${origin}/`,
    response_type: "code",
    scope: "openid profile offline_access",
    automaticSilentRenew: false,
    loadUserInfo: false,
    userStore: new WebStorageStateStore({ store: window.sessionStorage }),
    stateStore: new WebStorageStateStore({ store: window.sessionStorage }),
  });
}
