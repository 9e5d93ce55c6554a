/** The portal's HTTP API (JSON; errors as RFC 9457 problem documents). */
import type { AssociationOffer } from "../signalling/association";

export interface SessionInfo {
  readonly person: { readonly aor: string; readonly display_name: string };
  readonly domain: string;
  readonly sip_websocket: string;
  readonly licensed: boolean;
  /** Whether meetings may be recorded. */
  readonly recording: boolean;
}

export interface Meeting {
  readonly id: string;
  readonly subject: string;
  readonly link: string;
  readonly focus: string;
  /** Seconds since 1970, or a date as RFC 3339 writes it. */
  readonly created_at: number | string;
  /** What a SIP phone dials. */
  readonly dial: string;
}

/** A recording of one of the person's meetings. Times in seconds since 1970. */
export interface KeptRecording {
  readonly id: string;
  readonly subject: string;
  readonly started_by: string;
  readonly started_at: number;
  readonly state: "recording" | "finished" | "failed" | "interrupted";
  readonly seconds: number | null;
  readonly octets: number | null;
  readonly deleted_after: number;
}

export interface JoinInfo {
  readonly domain: string;
  readonly sip_websocket: string;
  readonly focus: string;
}

export function createdAt(meeting: Meeting): Date {
  const { created_at } = meeting;
  return new Date(typeof created_at === "number" ? created_at * 1000 : created_at);
}

/** The portal refused, or could not be reached (status 0). */
export class ApiProblem extends Error {
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/**
 * The headers that prove who asks, for one request to a path; `nonce` is the server's newest, for proofs of possession
 * (RFC 9449). Rejects if nobody is signed in.
 */
export type Proof = (method: string, path: string, nonce: string | null) => Promise<Record<string, string>>;

export class Api {
  readonly #prove: Proof;
  readonly #fetch: typeof fetch;
  #nonce: string | null = null;

  constructor(prove: Proof, fetcher: typeof fetch = (input, init) => fetch(input, init)) {
    this.#prove = prove;
    this.#fetch = fetcher;
  }

  session(): Promise<SessionInfo> {
    return this.#member<SessionInfo>("GET", "/api/v1/session");
  }

  async meetings(): Promise<readonly Meeting[]> {
    const answer = await this.#member<readonly Meeting[] | { readonly meetings: readonly Meeting[] }>(
      "GET",
      "/api/v1/meetings",
    );
    return "meetings" in answer ? answer.meetings : answer;
  }

  createMeeting(subject: string): Promise<Meeting> {
    return this.#member<Meeting>("POST", "/api/v1/meetings", { subject });
  }

  /** The same meeting with another key, hence another link; the old one opens nothing any more. */
  replaceKey(id: string): Promise<Meeting> {
    return this.#member<Meeting>("POST", `/api/v1/meetings/${encodeURIComponent(id)}/conference-key`);
  }

  async deleteMeeting(id: string): Promise<void> {
    await this.#member("DELETE", `/api/v1/meetings/${encodeURIComponent(id)}`);
  }

  recordings(): Promise<readonly KeptRecording[]> {
    return this.#member<readonly KeptRecording[]>("GET", "/api/v1/recordings");
  }

  /** The file of a recording. The browser keeps a large one on disk. */
  async recordingFile(id: string): Promise<Blob> {
    const answer = await this.#proven("GET", `/api/v1/recordings/${encodeURIComponent(id)}`);
    if (!answer.ok) {
      throw new ApiProblem(answer.status, await problemOf(answer));
    }
    return answer.blob();
  }

  async deleteRecording(id: string): Promise<void> {
    await this.#member("DELETE", `/api/v1/recordings/${encodeURIComponent(id)}`);
  }

  /** The server's half of a security association, for ours. */
  associate(publicKey: string): Promise<AssociationOffer> {
    return this.#member<AssociationOffer>("POST", "/identity/associations", { public_key: publicKey });
  }

  /** Where to knock. Public, and the same for meetings that don't exist. */
  async join(organizer: string, id: string): Promise<JoinInfo> {
    const path = `/api/v1/join/${encodeURIComponent(organizer)}/${encodeURIComponent(id)}`;
    return answerOf<JoinInfo>(await this.#send("GET", path, {}));
  }

  async #member<T>(method: string, path: string, body?: unknown): Promise<T> {
    return answerOf<T>(await this.#proven(method, path, body));
  }

  async #proven(method: string, path: string, body?: unknown): Promise<Response> {
    const ask = async () => this.#send(method, path, await this.#prove(method, path, this.#nonce), body);
    const answer = await ask();
    return wantsNonce(answer) ? ask() : answer;
  }

  async #send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: unknown,
  ): Promise<Response> {
    const init: RequestInit = { method, headers: { Accept: "application/json", ...headers } };
    if (body !== undefined) {
      init.headers = { ...init.headers, "Content-Type": "application/json" };
      init.body = JSON.stringify(body);
    }
    const response = await this.#fetch(path, init).catch(() => null);
    if (!response) {
      throw new ApiProblem(0, "unreachable");
    }
    this.#nonce = response.headers.get("DPoP-Nonce") ?? this.#nonce;
    return response;
  }
}

/** The server has given a nonce, and wants a proof that is made with it. */
function wantsNonce(response: Response): boolean {
  const challenge = response.headers.get("WWW-Authenticate") ?? "";
  return response.status === 401 && challenge.includes('error="use_dpop_nonce"');
}

async function answerOf<T>(response: Response): Promise<T> {
  if (!response.ok) {
    throw new ApiProblem(response.status, await problemOf(response));
  }
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function problemOf(response: Response): Promise<string> {
  const problem: unknown = await response.json().catch(() => null);
  if (typeof problem === "object" && problem !== null) {
    const { detail, title } = problem as { detail?: unknown; title?: unknown };
    return String(detail ?? title ?? response.statusText);
  }
  return response.statusText;
}
