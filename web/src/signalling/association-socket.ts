/**
 * A member's socket: each message is proven by a security association, ours to the server and the server's
 * to us (docs/protocol/association.md). The association is made anew for each connection, and again before
 * it ends, without anybody noticing.
 */
import { type Association, PROOF_HEADER, proofOf } from "./association";
import { parseChallenge } from "./challenge";
import { ProvingSocket, type WebSocketMaker } from "./proving-socket";
import { statusOf, withHeader } from "./sip-text";

/** Makes a new association with the server. Rejects if nobody is signed in any more. */
export type AssociationSource = () => Promise<Association>;

/** Milliseconds between attempts to renew that failed. */
const RETRY_DELAY = 30_000;

export class AssociationSocket extends ProvingSocket {
  protected override readonly examines = true;

  readonly #source: AssociationSource;
  #current: Association | null = null;
  /** By id: those of this connection that the server may still sign with. */
  readonly #known = new Map<string, Association>();
  #renewing: Promise<Association> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the server has proven itself on this connection. */
  #proven = false;
  /** Counts connections, so that what was asked for on one isn't taken for the next. */
  #connection = 0;

  constructor(url: string, source: AssociationSource, open?: WebSocketMaker) {
    super(url, open);
    this.#source = source;
  }

  protected override async greet(): Promise<void> {
    this.#connection += 1;
    this.#known.clear();
    this.#current = this.#renewing = null;
    this.#proven = false;
    await this.#renew();
  }

  protected override async prove(text: string): Promise<string> {
    return withHeader(text, "Authorization", `Association ${await (await this.#valid()).prove(text)}`);
  }

  protected override async sign(text: string): Promise<string> {
    return withHeader(text, PROOF_HEADER, await (await this.#valid()).prove(text));
  }

  protected override async challenged(challenges: readonly string[]): Promise<boolean> {
    const asked = challenges.some((value) => parseChallenge(value)?.scheme === "association");
    if (asked) {
      await this.#renew();
    }
    return asked;
  }

  protected override async examine(text: string): Promise<void> {
    const proof = proofOf(text);
    const association = proof && this.#known.get(proof.id);
    if (proof && association && (await association.verify(text, proof))) {
      this.#proven = true;
      this.#forgetBefore(association);
      return;
    }
    // A server that doesn't know our association can't sign that it doesn't.
    if (proof || this.#proven || (statusOf(text) ?? 0) < 400) {
      throw new Error("a message that is not the server's");
    }
  }

  protected override ended(): void {
    clearTimeout(this.#timer);
    this.#connection += 1;
  }

  /** The server signs with what we used last, so it won't go back further than that. */
  #forgetBefore(association: Association): void {
    for (const id of this.#known.keys()) {
      if (id === association.id) {
        return;
      }
      this.#known.delete(id);
    }
  }

  async #valid(): Promise<Association> {
    const current = this.#current;
    return current && Date.now() < current.expiresAt ? current : this.#renew();
  }

  /** One renewal at a time, for whoever asks. */
  #renew(): Promise<Association> {
    if (!this.#renewing) {
      const connection = this.#connection;
      const renewing = this.#source()
        .then((association) => this.#take(association, connection))
        .finally(() => {
          if (this.#renewing === renewing) {
            this.#renewing = null;
          }
        });
      this.#renewing = renewing;
    }
    return this.#renewing;
  }

  #take(association: Association, connection: number): Association {
    if (connection !== this.#connection) {
      throw new Error("the connection is gone");
    }
    this.#known.set(association.id, association);
    this.#current = association;
    this.#renewIn(association.renewAt - Date.now());
    return association;
  }

  #renewIn(milliseconds: number): void {
    const connection = this.#connection;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#renew().catch(() => {
        // The portal can't be reached; the old one is good for some time yet.
        if (connection === this.#connection) {
          this.#renewIn(RETRY_DELAY);
        }
      });
    }, milliseconds);
  }
}
