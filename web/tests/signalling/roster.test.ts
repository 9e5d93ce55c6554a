import { describe, expect, it } from "vitest";
import {
  applyDocument,
  EMPTY_ROSTER,
  isWaiting,
  mediaEndpointsOf,
  mediumOf,
  muteOf,
  type Participant,
  type Roster,
} from "../../src/signalling/roster";

function user(entity: string, attributes = 'state="full"', inner = ""): string {
  return `<user entity="${entity}" ${attributes}><display-text>${entity}!</display-text>${inner}</user>`;
}

function documentOf(state: string, version: number, users: string): string {
  return (
    `<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="f" state="${state}" ` +
    `xmlns:m="http://schemas.microsoft.com/rtc/2005/08/confinfoextensions" version="${version}"><conference-description><subject>Plan</subject></conference-description>` +
    `<users>${users}</users></conference-info>`
  );
}

function applied(roster: Roster, text: string): Roster {
  const result = applyDocument(roster, text);
  expect(result.kind).toBe("applied");
  return result.kind === "applied" ? result.roster : roster;
}

const AUDIO =
  '<endpoint entity="e1" session-type="audio-video"><status>connected</status>' +
  '<media id="1"><type>audio</type><status>recvonly</status></media></endpoint>';

describe("applyDocument", () => {
  it("takes a full document for the whole truth", () => {
    const first = applied(EMPTY_ROSTER, documentOf("full", 1, user("a") + user("b")));
    const second = applied(first, documentOf("full", 2, user("b")));
    expect([...second.participants.keys()]).toEqual(["b"]);
    expect(second.subject).toBe("Plan");
  });

  it("takes a full document even when its version is lower: another view counts for itself", () => {
    const first = applied(EMPTY_ROSTER, documentOf("full", 9, user("a")));
    expect(applied(first, documentOf("full", 3, user("a"))).version).toBe(3);
  });

  it("adds, replaces and deletes by user", () => {
    let roster = applied(EMPTY_ROSTER, documentOf("full", 1, user("a") + user("b")));
    roster = applied(roster, documentOf("partial", 2, user("c", 'state="full"', AUDIO)));
    roster = applied(roster, documentOf("partial", 3, '<user entity="a" state="deleted"/>'));
    expect([...roster.participants.keys()]).toEqual(["b", "c"]);
  });

  it("keeps what a partial user doesn't mention", () => {
    let roster = applied(EMPTY_ROSTER, documentOf("full", 1, user("a", 'state="full"', AUDIO)));
    roster = applied(roster, documentOf("partial", 2, '<user entity="a" state="partial"/>'));
    const person = roster.participants.get("a");
    expect(person?.name).toBe("a!");
    expect(person && mediaEndpointsOf(person)).toHaveLength(1);
  });

  it("ignores what is old and reports what is missing", () => {
    const roster = applied(EMPTY_ROSTER, documentOf("full", 5, user("a")));
    expect(applyDocument(roster, documentOf("partial", 5, "")).kind).toBe("ignored");
    expect(applyDocument(roster, documentOf("partial", 7, "")).kind).toBe("gap");
    expect(applyDocument(roster, "<html/>").kind).toBe("ignored");
    expect(applyDocument(roster, "broken <").kind).toBe("ignored");
  });

  it("knows who waits and whose microphone was taken", () => {
    const pending = '<endpoint entity="x" session-type="focus"><status>pending</status></endpoint>';
    const users = user("a", 'state="full"', pending) + user("b", 'state="full"', AUDIO);
    const { participants } = applied(EMPTY_ROSTER, documentOf("full", 1, users));
    const [a, b] = [...participants.values()];
    expect(a && isWaiting(a)).toBe(true);
    expect(b && isWaiting(b)).toBe(false);
    const [endpoint] = b ? mediaEndpointsOf(b) : [];
    expect(endpoint && mediumOf(endpoint, "audio")?.status).toBe("recvonly");
    expect(endpoint && muteOf(endpoint)).toBe("self");
  });

  it("tells a presenter's mute from one by the keys of a phone", () => {
    const blocked = AUDIO.replace(
      "</status></media>",
      "</status><m:media-ingress-filter>block</m:media-ingress-filter></media>",
    );
    const { participants } = applied(EMPTY_ROSTER, documentOf("full", 1, user("a", 'state="full"', blocked)));
    const [endpoint] = mediaEndpointsOf([...participants.values()][0] as Participant);
    expect(endpoint && muteOf(endpoint)).toBe("presenter");
  });

  it("knows of a recording until it is told otherwise, and who is in it", () => {
    const description = (recording: string) =>
      '<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" ' +
      'xmlns:rec="urn:vestibule:params:xml:ns:recording" state="full" version="1">' +
      `<conference-description>${recording}</conference-description><users>` +
      '<user entity="a"><endpoint entity="e1" session-type="audio-video">' +
      "<rec:recorded>true</rec:recorded></endpoint></user></users></conference-info>";
    expect(EMPTY_ROSTER.recording.state).toBe("not-allowed");
    const on = applied(EMPTY_ROSTER, description('<rec:recording state="on" id="r1" by="Ann"/>'));
    expect(on.recording).toEqual({ state: "on", id: "r1", by: "Ann" });
    expect(on.participants.get("a")?.endpoints[0]?.recorded).toBe(true);
    const later = applied(on, documentOf("partial", 2, user("b", 'state="full"', AUDIO)));
    expect(later.recording).toEqual(on.recording);
    expect(later.participants.get("b")?.endpoints[0]?.recorded).toBeNull();
    expect(applied(later, description('<rec:recording state="off"/>')).recording.state).toBe("off");
    expect(applied(later, description('<rec:recording state="odd"/>')).recording.state).toBe("not-allowed");
  });

  it("ends with the conference", () => {
    expect(applied(EMPTY_ROSTER, '<conference-info state="deleted" version="2"/>').ended).toBe(true);
  });
});
