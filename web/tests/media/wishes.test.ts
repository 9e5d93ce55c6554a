import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Wishes } from "../../src/media/wishes";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("changes that come together are said once", () => {
  const said: string[] = [];
  const wishes = new Wishes((message) => said.push(message));
  wishes.set("4", 100.4);
  wishes.set("5", 90_000);
  wishes.set("4", 180);
  expect(said).toEqual([]);
  vi.runAllTimers();
  expect(said).toEqual(['{"type":"want","heights":{"4":180,"5":4320}}']);
  wishes.set("5", null);
  vi.runAllTimers();
  expect(said[1]).toBe('{"type":"want","heights":{"4":180}}');
});

test("nothing is said of nothing, nor after the end", () => {
  const said: string[] = [];
  const wishes = new Wishes((message) => said.push(message));
  wishes.repeat();
  wishes.set("4", 180);
  wishes.close();
  vi.runAllTimers();
  expect(said).toEqual([]);
});
