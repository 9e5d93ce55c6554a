/**
 * A security association: two MAC keys that only this page and the server know, agreed on after sign-in
 * (docs/protocol/association.md). No key can be read out, by us or by anybody else in the page.
 */
import { fromBase64Url, toBase64Url } from "./base64url";
import { canonicalForm, type Direction, framed } from "./canonical-form";
import { headersOf } from "./sip-text";

/** The server's half of the agreement, as `POST /identity/associations` answers. */
export interface AssociationOffer {
  readonly id: string;
  readonly public_key: string;
  readonly algorithm: string;
  /** Seconds. */
  readonly expires_in: number;
}

export interface AgreedKeys {
  readonly fromClient: CryptoKey;
  readonly fromServer: CryptoKey;
}

/** What the proof of a message says. */
interface MessageProof {
  readonly id: string;
  readonly number: number;
  readonly mac: string;
}

const ALGORITHM = "P-256+HKDF-SHA-256+HMAC-SHA-256";
const CONTEXT = "vestibule association 1";
const CURVE = { name: "ECDH", namedCurve: "P-256" } as const;
const HMAC = { name: "HMAC", hash: "SHA-256", length: 256 } as const;

/** Where the proof of a response stands, and of all that the server says; our requests have theirs in Authorization. */
export const PROOF_HEADER = "Association-Proof";

/** Make an association for a person; `exchange` shows the server our public key. */
export async function agree(
  person: string,
  exchange: (publicKey: string) => Promise<AssociationOffer>,
): Promise<Association> {
  const pair = await crypto.subtle.generateKey(CURVE, false, ["deriveKey"]);
  const ours = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const askedAt = Date.now();
  const offer = await exchange(toBase64Url(ours));
  if (offer.algorithm !== ALGORITHM) {
    throw new Error(`unknown algorithm ${offer.algorithm}`);
  }
  const keys = await deriveKeys(pair.privateKey, ours, fromBase64Url(offer.public_key), offer.id, person);
  return new Association(offer.id, keys, askedAt, offer.expires_in * 1000);
}

/** The keys that follow from our private and the server's public key. */
export async function deriveKeys(
  privateKey: CryptoKey,
  ours: Uint8Array,
  theirs: Uint8Array<ArrayBuffer>,
  id: string,
  person: string,
): Promise<AgreedKeys> {
  const server = await crypto.subtle.importKey("raw", theirs, CURVE, false, []);
  const secret = await crypto.subtle.deriveKey({ ...CURVE, public: server }, privateKey, "HKDF", false, [
    "deriveKey",
  ]);
  const derive = (direction: Direction, usage: KeyUsage) => {
    const info = framed([CONTEXT, direction, person, ours, theirs]);
    const salt = new TextEncoder().encode(id);
    return crypto.subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt, info }, secret, HMAC, false, [
      usage,
    ]);
  };
  return {
    fromClient: await derive("client-to-server", "sign"),
    fromServer: await derive("server-to-client", "verify"),
  };
}

export class Association {
  readonly id: string;
  /** Milliseconds since 1970: when it ends, by our own clock, and when the next one should be made. */
  readonly expiresAt: number;
  readonly renewAt: number;
  readonly #keys: AgreedKeys;
  #sent = 0;
  #heard = 0;

  constructor(id: string, keys: AgreedKeys, madeAt: number, lifetime: number) {
    this.id = id;
    this.expiresAt = madeAt + lifetime;
    this.renewAt = madeAt + lifetime * 0.8;
    this.#keys = keys;
  }

  /** The proof of our next message; ask in the order in which the messages go out. */
  async prove(text: string): Promise<string> {
    this.#sent += 1;
    const number = this.#sent;
    const form = await canonicalForm(text, "client-to-server", number);
    const mac = new Uint8Array(await crypto.subtle.sign("HMAC", this.#keys.fromClient, form));
    return `id="${this.id}", seq=${number}, mac="${toBase64Url(mac)}"`;
  }

  /** Whether the server's message is what it sent, and newer than all before; ask in the order of arrival. */
  async verify(text: string, proof: MessageProof): Promise<boolean> {
    if (proof.id !== this.id || proof.number <= this.#heard) {
      return false;
    }
    const form = await canonicalForm(text, "server-to-client", proof.number);
    const mac = fromBase64Url(proof.mac);
    if (!(await crypto.subtle.verify("HMAC", this.#keys.fromServer, mac, form))) {
      return false;
    }
    this.#heard = proof.number;
    return true;
  }
}

/** The proof of a server's message; null if there is none, or more than one. */
export function proofOf(text: string): MessageProof | null {
  const [value, ...more] = headersOf(text, PROOF_HEADER);
  const match = /^id="([\w-]{22})", seq=([1-9]\d{0,15}), mac="([\w-]{43})"$/.exec(value ?? "");
  if (more.length > 0 || !match?.[1] || !match[2] || !match[3]) {
    return null;
  }
  return { id: match[1], number: Number(match[2]), mac: match[3] };
}
