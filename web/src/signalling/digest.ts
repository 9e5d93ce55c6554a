/** SHA-256 digest of SIP requests (RFC 7616 with RFC 8760), for guests who hold a conference key. */
import { type Challenge, parseChallenge } from "./challenge";

export interface DigestCredentials {
  readonly username: string;
  readonly password: string;
}

/** One server nonce, with the count that must rise with each request that uses it. */
export interface DigestNonce {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | null;
}

/** The SHA-256 challenge with qop=auth among the WWW-Authenticate values of a 401, or null. */
export function digestChallenge(
  headers: readonly string[],
): { readonly nonce: DigestNonce; readonly stale: boolean } | null {
  for (const header of headers) {
    const challenge = parseChallenge(header);
    if (challenge && isUsable(challenge)) {
      const { parameters } = challenge;
      return {
        nonce: {
          realm: parameters.get("realm") ?? "",
          nonce: parameters.get("nonce") ?? "",
          opaque: parameters.get("opaque") ?? null,
        },
        stale: parameters.get("stale")?.toLowerCase() === "true",
      };
    }
  }
  return null;
}

function isUsable({ scheme, parameters }: Challenge): boolean {
  const offered = (parameters.get("qop") ?? "").split(",").map((word) => word.trim());
  return (
    scheme === "digest" &&
    parameters.get("algorithm")?.toUpperCase() === "SHA-256" &&
    offered.includes("auth") &&
    Boolean(parameters.get("nonce"))
  );
}

/** The Authorization value for one request. `cnonce` is given by the caller so that tests can fix it. */
export async function digestAuthorization(
  credentials: DigestCredentials,
  nonce: DigestNonce,
  request: { readonly method: string; readonly uri: string },
  count: number,
  cnonce: string,
): Promise<string> {
  const nc = count.toString(16).padStart(8, "0");
  const ha1 = await sha256(`${credentials.username}:${nonce.realm}:${credentials.password}`);
  const ha2 = await sha256(`${request.method}:${request.uri}`);
  const response = await sha256(`${ha1}:${nonce.nonce}:${nc}:${cnonce}:auth:${ha2}`);
  const fields = [
    `username=${quoted(credentials.username)}`,
    `realm=${quoted(nonce.realm)}`,
    `nonce=${quoted(nonce.nonce)}`,
    `uri=${quoted(request.uri)}`,
    `response="${response}"`,
    "algorithm=SHA-256",
    `cnonce=${quoted(cnonce)}`,
    "qop=auth",
    `nc=${nc}`,
  ];
  if (nonce.opaque !== null) {
    fields.push(`opaque=${quoted(nonce.opaque)}`);
  }
  return `Digest ${fields.join(", ")}`;
}

/** 128 random bits in hexadecimal. */
export function randomToken(): string {
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}

async function sha256(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
