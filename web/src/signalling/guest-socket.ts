/**
 * A guest's socket: each request carries a SHA-256 digest made with the conference key (RFC 7616), which
 * never leaves the page. The nonce comes in-band: one OPTIONS right after the WebSocket opens.
 */
import {
  type DigestCredentials,
  type DigestNonce,
  digestAuthorization,
  digestChallenge,
  randomToken,
} from "./digest";
import { newBranch, ProvingSocket, type WebSocketMaker } from "./proving-socket";
import { branchOf, headersOf, type RequestLine, statusOf, withHeader } from "./sip-text";

/** How long to wait for the nonce, in milliseconds. */
const PROBE_TIMEOUT = 10_000;

export interface GuestIdentity {
  /** The guest's URI at anonymous.invalid. */
  readonly uri: string;
  /** The meeting's focus, whose answer to OPTIONS brings the nonce. */
  readonly focus: string;
  readonly credentials: DigestCredentials;
}

interface Probe {
  readonly branch: string;
  readonly answered: (response: string) => void;
}

export class GuestSocket extends ProvingSocket {
  readonly #identity: GuestIdentity;
  #nonce: DigestNonce | null = null;
  #count = 0;
  #probe: Probe | null = null;

  constructor(url: string, identity: GuestIdentity, open?: WebSocketMaker) {
    super(url, open);
    this.#identity = identity;
  }

  protected override async greet(transmit: (text: string) => void): Promise<void> {
    const branch = newBranch();
    const response = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no answer to OPTIONS")), PROBE_TIMEOUT);
      this.#probe = {
        branch,
        answered: (text) => {
          clearTimeout(timer);
          resolve(text);
        },
      };
      transmit(this.#options(branch));
    });
    this.#probe = null;
    // Any other answer is no failure here: the requests that follow go unproven and get their own answers,
    // which the SIP library can show.
    this.#nonce = null;
    this.#take(digestChallenge(headersOf(response, "WWW-Authenticate"))?.nonce ?? null);
  }

  protected override intercept(text: string): boolean {
    const status = statusOf(text);
    if (status === null || !this.#probe || branchOf(text) !== this.#probe.branch) {
      return false;
    }
    if (status >= 200) {
      this.#probe.answered(text);
    }
    return true;
  }

  protected override async prove(text: string, request: RequestLine): Promise<string> {
    if (!this.#nonce) {
      return text;
    }
    this.#count += 1;
    const { credentials } = this.#identity;
    const value = await digestAuthorization(credentials, this.#nonce, request, this.#count, randomToken());
    return withHeader(text, "Authorization", value);
  }

  protected override async challenged(challenges: readonly string[]): Promise<boolean> {
    const challenge = digestChallenge(challenges);
    // Without stale=true the key itself is wrong, and asking again can't help.
    if (!challenge?.stale) {
      return false;
    }
    this.#take(challenge.nonce);
    return true;
  }

  #take(nonce: DigestNonce | null): void {
    if (nonce && nonce.nonce !== this.#nonce?.nonce) {
      this.#nonce = nonce;
      this.#count = 0;
    }
  }

  #options(branch: string): string {
    const { uri, focus } = this.#identity;
    return [
      `OPTIONS ${focus} SIP/2.0`,
      `Via: SIP/2.0/WSS ${randomToken()}.invalid;branch=${branch}`,
      "Max-Forwards: 70",
      `From: <${uri}>;tag=${randomToken()}`,
      `To: <${focus}>`,
      `Call-ID: ${randomToken()}`,
      "CSeq: 1 OPTIONS",
      "Content-Length: 0",
      "",
      "",
    ].join("\r\n");
  }
}
