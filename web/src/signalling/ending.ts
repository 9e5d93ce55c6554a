/** Why a stay in a meeting ended, read from what the server said. */
import type { SipReply } from "./invite-dialog";

export type Ending =
  | {
      readonly kind:
        | "left"
        | "rejected"
        | "timeout"
        | "ended"
        | "removed"
        | "unknown-meeting"
        | "bad-key"
        | "busy";
    }
  | { readonly kind: "lost" }
  | { readonly kind: "failed"; readonly status: number; readonly reason: string };

/** The final answer to a knock. */
export function endingOfRefusal(reply: SipReply): Ending {
  const text = reasonText(reply.cause);
  switch (reply.status) {
    case 401:
    case 407:
      return { kind: "bad-key" };
    case 403:
      return endingOfForbidden(reply, text);
    case 404:
      return { kind: "unknown-meeting" };
    case 480:
      return { kind: text.includes("ended") ? "ended" : "timeout" };
    case 410:
      return { kind: "ended" };
    case 408:
      return { kind: "lost" };
    case 503:
      return reply.reason === "Connection lost" ? { kind: "lost" } : { kind: "busy" };
    case 429:
    case 486:
      return { kind: "busy" };
    default:
      return failed(reply, text);
  }
}

function endingOfForbidden(reply: SipReply, text: string): Ending {
  if (text === "" || text.includes("reject")) {
    return { kind: "rejected" };
  }
  if (text.includes("remove")) {
    return { kind: "removed" };
  }
  // Our own earlier connection, which the server has not missed yet.
  return text === "identityinuse" ? { kind: "lost" } : failed(reply, text);
}

/** A BYE of the server's; `cause` is its Reason header. */
export function endingOfBye(cause: string): Ending {
  const text = reasonText(cause);
  if (text.includes("remove")) {
    return { kind: "removed" };
  }
  return text.includes("ended") ? { kind: "ended" } : { kind: "lost" };
}

function failed(reply: SipReply, text: string): Ending {
  return { kind: "failed", status: reply.status, reason: text || reply.reason };
}

/** The text parameter of a Reason header (RFC 3326), in lower case. */
function reasonText(cause: string): string {
  return /;\s*text\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(cause)?.[1]?.toLowerCase() ?? "";
}
