/**
 * Lets a socket repeat a challenged request unseen by the SIP library.
 *
 * RFC 3261 section 22.1 wants a repeated request to carry the next CSeq number and a new branch. The
 * library above doesn't know of the repetition, so from then on its numbers and ours differ by a shift
 * per Call-ID. The ledger translates: library → wire on the way out, wire → library on the way in. As
 * long as nothing is repeated, every message passes byte for byte.
 */
import { branchOf, headerOf, mapHeader, requestLineOf, sequenceOf, statusOf } from "./sip-text";

interface Sent {
  /** As the library wrote it. */
  readonly text: string;
  readonly libraryBranch: string;
  readonly libraryNumber: number;
  readonly wireNumber: number;
  readonly repeated: boolean;
}

export class RetryLedger {
  readonly #shifts = new Map<string, number>();
  readonly #sent = new Map<string, Sent>();
  readonly #wireBranches = new Map<string, string>();
  readonly #inviteNumbers = new Map<string, number>();
  /** The highest number sent so far, by Call-ID. */
  readonly #highest = new Map<string, number>();
  readonly #newBranch: () => string;

  constructor(newBranch: () => string) {
    this.#newBranch = newBranch;
  }

  /** What to put on the wire for a request of the library's. */
  outgoing(text: string): string {
    const { number, method } = sequenceOf(text);
    const callId = headerOf(text, "Call-ID") ?? "";
    const branch = branchOf(text);
    if (method === "ACK" || method === "CANCEL") {
      // Both borrow the number of the INVITE that they belong to, and its branch too (but for the ACK to a
      // 2xx, whose branch is new and therefore unknown here).
      const wireNumber = this.#inviteNumbers.get(`${callId} ${number}`) ?? number;
      return rewritten(text, wireNumber, this.#wireBranches.get(branch) ?? branch);
    }
    const wireNumber = number + (this.#shifts.get(callId) ?? 0);
    this.#remember(callId, branch, {
      text,
      libraryBranch: branch,
      libraryNumber: number,
      wireNumber,
      repeated: false,
    });
    return rewritten(text, wireNumber, branch);
  }

  /** The request as it went to the wire with that branch, without its proof; null if it isn't known. */
  onWire(branch: string): string | null {
    const sent = this.#sent.get(branch);
    return sent ? rewritten(sent.text, sent.wireNumber, branch) : null;
  }

  /** What the library shall read of a response from the wire. Requests pass untouched. */
  incoming(text: string): string {
    const status = statusOf(text);
    const branch = branchOf(text);
    const sent = this.#sent.get(branch);
    if (status === null || !sent) {
      return text;
    }
    if (
      status >= 200 &&
      sequenceOf(text).method !== "INVITE" &&
      requestLineOf(sent.text)?.method !== "INVITE"
    ) {
      this.#sent.delete(branch);
      this.#wireBranches.delete(sent.libraryBranch);
    }
    return rewritten(text, sent.libraryNumber, sent.libraryBranch);
  }

  /**
   * The challenged request again, with the next number and a new branch, as the wire shall see it; null if
   * it isn't known or was repeated before.
   */
  repeat(challengedBranch: string): string | null {
    const sent = this.#sent.get(challengedBranch);
    if (!sent || sent.repeated) {
      return null;
    }
    const callId = headerOf(sent.text, "Call-ID") ?? "";
    const branch = this.#newBranch();
    // Others may have gone out since the challenged one did, and a dialog's numbers only ever rise; the
    // library's next number must land above this one too.
    const wireNumber = (this.#highest.get(callId) ?? sent.wireNumber) + 1;
    this.#shifts.set(callId, (this.#shifts.get(callId) ?? 0) + 1);
    this.#sent.delete(challengedBranch);
    this.#wireBranches.set(sent.libraryBranch, branch);
    this.#remember(callId, branch, { ...sent, wireNumber, repeated: true });
    return rewritten(sent.text, wireNumber, branch);
  }

  #remember(callId: string, branch: string, sent: Sent): void {
    this.#sent.set(branch, sent);
    this.#highest.set(callId, Math.max(this.#highest.get(callId) ?? 0, sent.wireNumber));
    if (requestLineOf(sent.text)?.method === "INVITE") {
      this.#inviteNumbers.set(`${callId} ${sent.libraryNumber}`, sent.wireNumber);
    }
  }
}

/** The ACK that ends the transaction of a challenged INVITE (RFC 3261 section 17.1.1.3). */
export function acknowledgement(invite: string, response: string): string {
  const uri = requestLineOf(invite)?.uri ?? "";
  const copied = ["Via", "From", "Call-ID", "Max-Forwards"].map(
    (name) => `${name}: ${headerOf(invite, name)}`,
  );
  const route = headerOf(invite, "Route");
  return [
    `ACK ${uri} SIP/2.0`,
    ...copied,
    ...(route ? [`Route: ${route}`] : []),
    `To: ${headerOf(response, "To")}`,
    `CSeq: ${sequenceOf(invite).number} ACK`,
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n");
}

function rewritten(text: string, number: number, branch: string): string {
  const sequence = sequenceOf(text);
  let result = text;
  if (sequence.number !== number) {
    result = mapHeader(result, "CSeq", () => `${number} ${sequence.method}`);
  }
  const old = branchOf(text);
  if (old !== branch) {
    result = mapHeader(result, "Via", (via) => via.replace(`branch=${old}`, `branch=${branch}`));
  }
  return result;
}
