/** What changed between two rosters that somebody who doesn't look at the screen wants to be told. */
import type { Roster } from "../signalling/roster";
import { isWaiting } from "../signalling/roster";

export interface News {
  readonly knocked: readonly string[];
  readonly joined: readonly string[];
  readonly left: readonly string[];
}

/** Names of those who knocked, came in, or left. The first roster is no news. */
export function newsBetween(before: Roster, after: Roster, self: string): News {
  const news = { knocked: [] as string[], joined: [] as string[], left: [] as string[] };
  if (before.version < 0) {
    return { ...news, knocked: [...after.participants.values()].filter(isWaiting).map(({ name }) => name) };
  }
  for (const person of after.participants.values()) {
    const old = before.participants.get(person.entity);
    if (isWaiting(person)) {
      if (!old) {
        news.knocked.push(person.name);
      }
    } else if (person.entity !== self && (!old || isWaiting(old))) {
      news.joined.push(person.name);
    }
  }
  for (const old of before.participants.values()) {
    if (!after.participants.has(old.entity) && !isWaiting(old)) {
      news.left.push(old.name);
    }
  }
  return news;
}

/** Whether a recording is over. That one has begun is told where one is asked whether one agrees. */
export function recordingStopped(before: Roster, after: Roster): boolean {
  return before.recording.state === "on" && after.recording.state !== "on";
}
