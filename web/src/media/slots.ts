/** What the room tells over the data channel "room": which receive slot carries whose track now. */

export type Source = "audio" | "camera" | "screen";

export interface SlotContent {
  readonly endpoint: string;
  readonly source: Source;
  /** The room sends nothing of it now, for the connection is too slow. */
  readonly paused: boolean;
}

/** By mid; a slot that carries nothing is left out. */
export type SlotMap = ReadonlyMap<string, SlotContent>;

export type RoomMessage =
  | { readonly type: "slots"; readonly slots: SlotMap }
  | { readonly type: "speaker"; readonly endpoint: string | null };

/** Read one message; null if it is not one that we know, so that the room may learn new ones first. */
export function parseRoomMessage(text: string): RoomMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value)) {
    return null;
  }
  if (value["type"] === "slots" && isRecord(value["slots"])) {
    return { type: "slots", slots: readSlots(value["slots"]) };
  }
  if (value["type"] === "speaker") {
    const endpoint = value["endpoint"];
    return { type: "speaker", endpoint: typeof endpoint === "string" ? endpoint : null };
  }
  return null;
}

/** The mid of the slot that carries that source of that endpoint, or null. */
export function slotOf(slots: SlotMap, endpoint: string, source: Source): string | null {
  for (const [mid, content] of slots) {
    if (content.endpoint === endpoint && content.source === source) {
      return mid;
    }
  }
  return null;
}

/** The endpoint whose screen is being received, or null. */
export function screenSharer(slots: SlotMap): string | null {
  for (const content of slots.values()) {
    if (content.source === "screen") {
      return content.endpoint;
    }
  }
  return null;
}

function readSlots(raw: Record<string, unknown>): SlotMap {
  const slots = new Map<string, SlotContent>();
  for (const [mid, content] of Object.entries(raw)) {
    if (isRecord(content) && typeof content["endpoint"] === "string" && isSource(content["source"])) {
      const paused = content["paused"] === true;
      slots.set(mid, { endpoint: content["endpoint"], source: content["source"], paused });
    }
  }
  return slots;
}

function isSource(value: unknown): value is Source {
  return value === "audio" || value === "camera" || value === "screen";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
