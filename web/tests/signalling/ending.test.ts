// @vitest-environment node
import { describe, expect, it } from "vitest";
import { endingOfBye, endingOfRefusal } from "../../src/signalling/ending";

function refusal(status: number, text = "", reason = "") {
  const cause = text ? `SIP;cause=${status};text="${text}"` : "";
  return endingOfRefusal({ status, reason, body: "", cause, admission: "" });
}

describe("why it ended", () => {
  it.each([
    [403, "rejected", "rejected"],
    [403, "", "rejected"],
    [403, "removed", "removed"],
    [403, "identityInUse", "lost"],
    [480, "timed out", "timeout"],
    [480, "meeting ended", "ended"],
    [404, "", "unknown-meeting"],
    [401, "", "bad-key"],
    [503, "", "busy"],
    [408, "", "lost"],
    [500, "", "failed"],
  ])("reads %i %s as %s", (status, text, kind) => {
    expect(refusal(status, text).kind).toBe(kind);
  });

  it("tells a lost connection from a busy server", () => {
    expect(refusal(503, "", "Connection lost").kind).toBe("lost");
  });

  it.each([
    ['SIP;cause=200;text="removed"', "removed"],
    ['SIP;cause=200;text="meeting ended"', "ended"],
    ['SIP;cause=200;text="media lost"', "lost"],
    ["", "lost"],
  ])("reads BYE with %s as %s", (cause, kind) => {
    expect(endingOfBye(cause).kind).toBe(kind);
  });
});
