// @vitest-environment node
import { describe, expect, it } from "vitest";
import type { Role } from "../../src/signalling/c3p";
import { EMPTY_ROSTER, type Participant, type Roster } from "../../src/signalling/roster";
import { newsBetween } from "../../src/state/news";
import { isSilenced, peopleSorted, peopleWaiting, sharedScreenOf, tilesOf } from "../../src/state/tiles";

function person(
  entity: string,
  role: Role,
  endpoint: string | null,
  audio = "sendrecv",
  blocked = false,
): Participant {
  const media = endpoint
    ? [
        {
          entity: endpoint,
          sessionType: "audio-video",
          status: "connected",
          media: [{ id: "1", type: "audio", status: audio, blocked }],
          recorded: null,
        },
      ]
    : [];
  const focus = {
    entity: `f-${entity}`,
    sessionType: "focus",
    status: "connected",
    media: [],
    recorded: null,
  };
  return { entity, name: entity.toUpperCase(), role, endpoints: [focus, ...media] };
}

function waiting(entity: string): Participant {
  const focus = { entity: `f-${entity}`, sessionType: "focus", status: "pending", media: [], recorded: null };
  return { entity, name: entity.toUpperCase(), role: "attendee", endpoints: [focus] };
}

function roster(...people: Participant[]): Roster {
  return { ...EMPTY_ROSTER, version: 1, participants: new Map(people.map((one) => [one.entity, one])) };
}

const STAGE = {
  roster: roster(
    person("me", "organizer", "e-me"),
    person("bob", "presenter", "e-bob"),
    person("late", "attendee", null),
    person("hush", "attendee", "e-hush", "recvonly", true),
    person("keys", "attendee", "e-keys", "recvonly"),
    waiting("gus"),
  ),
  slots: new Map([
    ["6", { endpoint: "e-bob", source: "camera" as const, paused: false }],
    ["15", { endpoint: "e-bob", source: "screen" as const, paused: false }],
  ]),
  speaker: "e-bob",
  self: "me",
  selfEndpoint: "e-me",
  selfName: "Me",
};

describe("the stage", () => {
  it("shows oneself first, then whoever has media, and nobody from the lobby", () => {
    expect(tilesOf(STAGE).map((tile) => tile.endpoint)).toEqual(["e-me", "e-bob", "e-hush", "e-keys"]);
  });

  it("knows who speaks, whose camera is where, and who was muted by whom", () => {
    const [me, bob, hush, keys] = tilesOf(STAGE);
    expect(me).toMatchObject({ isSelf: true, speaking: false, cameraSlot: null });
    expect(bob).toMatchObject({ speaking: true, cameraSlot: "6", muted: null });
    expect(hush).toMatchObject({ muted: "presenter", cameraSlot: null });
    expect(keys).toMatchObject({ muted: "self" });
    expect(isSilenced(STAGE.roster, "keys", "e-keys")).toBe(false);
    expect(isSilenced(STAGE.roster, "hush", "e-hush")).toBe(true);
  });

  it("shows somebody else's screen, not one's own", () => {
    expect(sharedScreenOf(STAGE)).toEqual({ endpoint: "e-bob", slot: "15", name: "BOB" });
    expect(sharedScreenOf({ ...STAGE, selfEndpoint: "e-bob" })).toBeNull();
  });

  it("lists leaders first and the lobby apart", () => {
    expect(peopleSorted(STAGE.roster).map((one) => one.entity)).toEqual([
      "me",
      "bob",
      "hush",
      "keys",
      "late",
    ]);
    expect(peopleWaiting(STAGE.roster).map((one) => one.entity)).toEqual(["gus"]);
  });
});

describe("news", () => {
  it("tells of knocks, arrivals and departures", () => {
    const after = roster(person("me", "organizer", "e"), person("gus", "attendee", "g"), waiting("hana"));
    expect(newsBetween(STAGE.roster, after, "me")).toEqual({
      knocked: ["HANA"],
      joined: ["GUS"],
      left: ["BOB", "LATE", "HUSH", "KEYS"],
    });
  });

  it("tells of nobody who was there before, but of who waits already", () => {
    expect(newsBetween(EMPTY_ROSTER, STAGE.roster, "me")).toEqual({ knocked: ["GUS"], joined: [], left: [] });
  });
});
