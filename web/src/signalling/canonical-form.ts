/**
 * What a message proof is made over: one unambiguous octet string for each message
 * (docs/protocol/association.md). Its twin is src/vestibule/identity/canonical_form.py;
 * tests/vectors/association.json holds both to it.
 */

export type Direction = "client-to-server" | "server-to-client";

/** The headers that are covered, in the order in which they stand in the form. */
const HEADERS = [
  "from",
  "to",
  "call-id",
  "cseq",
  "contact",
  "content-type",
  "expires",
  "event",
  "subscription-state",
  "refer-to",
  "replaces",
] as const;

const LONG_FORMS = new Map([
  ["f", "from"],
  ["t", "to"],
  ["i", "call-id"],
  ["m", "contact"],
  ["c", "content-type"],
  ["o", "event"],
  ["r", "refer-to"],
]);

const CONTEXT = "vestibule message proof 1";
const ENCODER = new TextEncoder();

/** The parts one after the other, each led by its length in four octets. */
export function framed(parts: readonly (string | Uint8Array)[]): Uint8Array<ArrayBuffer> {
  const octets = parts.map((part) => (typeof part === "string" ? ENCODER.encode(part) : part));
  const whole = new Uint8Array(octets.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(whole.buffer);
  let at = 0;
  for (const part of octets) {
    view.setUint32(at, part.length);
    whole.set(part, at + 4);
    at += 4 + part.length;
  }
  return whole;
}

/** The form of a message that is the `number`th of its direction. Throws if the text is no SIP message. */
export async function canonicalForm(
  text: string,
  direction: Direction,
  number: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) {
    throw new Error("not a SIP message");
  }
  const [first = "", ...lines] = unfolded(text.slice(0, end)).split("\r\n");
  const body = await crypto.subtle.digest("SHA-256", ENCODER.encode(text.slice(end + 4)));
  const parts = [CONTEXT, direction, String(number), ...start(first), new Uint8Array(body)];
  const found = covered(lines);
  for (const name of HEADERS) {
    const values = found.get(name) ?? [];
    parts.push(String(values.length), ...values);
  }
  return framed(parts);
}

/** Kind, method or status, and Request-URI. */
function start(line: string): [string, string, string] {
  const response = /^SIP\/2\.0 (\d{3}) /.exec(line);
  if (response?.[1]) {
    return ["response", response[1], ""];
  }
  const request = /^(\S+) (\S+) SIP\/2\.0$/.exec(line);
  if (!request?.[1] || !request[2]) {
    throw new Error("not a SIP message");
  }
  return ["request", request[1], request[2]];
}

function covered(lines: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line
      .slice(0, colon)
      .replace(/[ \t]+$/, "")
      .toLowerCase();
    const long = LONG_FORMS.get(name) ?? name;
    // White space as SIP knows it: trim() would take more away.
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
    found.set(long, [...(found.get(long) ?? []), value]);
  }
  return found;
}

/** A fold and the blanks around it are one space (RFC 3261 section 7.3.1). */
function unfolded(head: string): string {
  return head.replace(/[ \t]*(?:\r\n[ \t]+)+/g, " ");
}
