/**
 * The little a socket must know of a SIP message that passes through as text: its first line, a few
 * headers, and how to change them without touching any other byte (RFC 3261 section 7).
 */

/** The value of the first header of that name, or null. Compact forms are not looked for: JsSIP writes none. */
export function headerOf(text: string, name: string): string | null {
  return headersOf(text, name)[0] ?? null;
}

/** Every value of that header in order, one per line. */
export function headersOf(text: string, name: string): string[] {
  const values: string[] = [];
  const prefix = `${name.toLowerCase()}:`;
  for (const line of headOf(text).split("\r\n").slice(1)) {
    if (line.toLowerCase().startsWith(prefix)) {
      values.push(line.slice(prefix.length).trim());
    }
  }
  return values;
}

/** The text with that header set to one value, right behind the first line; an older one is taken out. */
export function withHeader(text: string, name: string, value: string): string {
  const head = headOf(text);
  const prefix = `${name.toLowerCase()}:`;
  const [first = "", ...lines] = head.split("\r\n");
  const kept = lines.filter((line) => !line.toLowerCase().startsWith(prefix));
  return [first, `${name}: ${value}`, ...kept].join("\r\n") + text.slice(head.length);
}

/** The text with the first header of that name changed in place. */
export function mapHeader(text: string, name: string, change: (value: string) => string): string {
  const head = headOf(text);
  const prefix = `${name.toLowerCase()}:`;
  let done = false;
  const lines = head.split("\r\n").map((line, index) => {
    if (done || index === 0 || !line.toLowerCase().startsWith(prefix)) {
      return line;
    }
    done = true;
    return `${line.slice(0, prefix.length)} ${change(line.slice(prefix.length).trim())}`;
  });
  return lines.join("\r\n") + text.slice(head.length);
}

export interface RequestLine {
  readonly method: string;
  readonly uri: string;
}

/** Method and Request-URI, or null if the text is a response or no SIP at all (a keep-alive). */
export function requestLineOf(text: string): RequestLine | null {
  const match = /^([A-Z]+) (\S+) SIP\/2\.0\r\n/.exec(text);
  return match?.[1] && match[2] ? { method: match[1], uri: match[2] } : null;
}

/** Status of a response, or null. */
export function statusOf(text: string): number | null {
  const match = /^SIP\/2\.0 (\d{3}) /.exec(text);
  return match ? Number(match[1]) : null;
}

/** Branch of the topmost Via; "" if there is none. */
export function branchOf(text: string): string {
  return /;\s*branch=([^;,\s]+)/i.exec(headerOf(text, "Via") ?? "")?.[1] ?? "";
}

/** Number and method of CSeq. */
export function sequenceOf(text: string): { readonly number: number; readonly method: string } {
  const [number = "0", method = ""] = (headerOf(text, "CSeq") ?? "").split(/\s+/);
  return { number: Number(number), method };
}

function headOf(text: string): string {
  const end = text.indexOf("\r\n\r\n");
  return end < 0 ? text : text.slice(0, end);
}
