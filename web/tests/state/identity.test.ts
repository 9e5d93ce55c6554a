// @vitest-environment node
import { describe, expect, it } from "vitest";
import { parseMeetingLink } from "../../src/state/identity";

const ID = "AbCdEfGhIjKlMnOpQrStUv";
const KEY = "K-yK_yK0yK1yK2yK3yK4yK";

describe("parseMeetingLink", () => {
  it("takes organizer and meeting from the path and the key from the fragment", () => {
    expect(parseMeetingLink(`/meet/alice/${ID}`, `#${KEY}`)).toEqual({
      organizer: "alice",
      id: ID,
      key: KEY,
    });
  });

  it.each(["", "#", "#short", `#${KEY}x`, "#bad key with spaces.."])("finds no key in '%s'", (fragment) => {
    expect(parseMeetingLink(`/meet/alice/${ID}`, fragment)?.key).toBeNull();
  });

  it.each(["/", "/meet/alice", "/meet/alice/a/b", "/meet//x", "/meet/alice/sp ace"])("refuses %s", (path) => {
    expect(parseMeetingLink(path, `#${KEY}`)).toBeNull();
  });
});
