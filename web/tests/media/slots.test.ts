// @vitest-environment node
import { describe, expect, it } from "vitest";
import { parseRoomMessage, screenSharer, slotOf } from "../../src/media/slots";

describe("messages of the room", () => {
  it("reads the whole map and leaves empty slots out", () => {
    const message = parseRoomMessage(
      '{"type":"slots","slots":{"3":{"endpoint":"a","source":"audio"},"6":{"endpoint":"a","source":"camera"},"7":null}}',
    );
    expect(message?.type).toBe("slots");
    const slots = message?.type === "slots" ? message.slots : new Map();
    expect(slots.size).toBe(2);
    expect(slotOf(slots, "a", "camera")).toBe("6");
    expect(slotOf(slots, "a", "screen")).toBeNull();
    expect(screenSharer(slots)).toBeNull();
  });

  it("knows whose screen is shown", () => {
    const message = parseRoomMessage('{"type":"slots","slots":{"15":{"endpoint":"b","source":"screen"}}}');
    expect(message?.type === "slots" && screenSharer(message.slots)).toBe("b");
  });

  it("reads the speaker, and silence", () => {
    expect(parseRoomMessage('{"type":"speaker","endpoint":"a"}')).toEqual({ type: "speaker", endpoint: "a" });
    expect(parseRoomMessage('{"type":"speaker","endpoint":null}')).toEqual({
      type: "speaker",
      endpoint: null,
    });
  });

  it.each(["", "[]", "null", '{"type":"news"}', '{"type":"slots","slots":7}'])("passes over %s", (text) => {
    expect(parseRoomMessage(text)).toBeNull();
  });

  it("takes no slot whose content it doesn't understand", () => {
    const message = parseRoomMessage(
      '{"type":"slots","slots":{"1":{"endpoint":5,"source":"audio"},"2":{"endpoint":"a","source":"smell"}}}',
    );
    expect(message?.type === "slots" && message.slots.size).toBe(0);
  });
});
