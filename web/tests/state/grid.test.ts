// @vitest-environment node
import { describe, expect, it } from "vitest";
import { bestGrid } from "../../src/state/grid";

describe("bestGrid", () => {
  it.each([
    [1, 1],
    [2, 2],
    [4, 2],
    [9, 3],
  ])("lays %i tiles on a wide stage in %i columns", (count, columns) => {
    expect(bestGrid(1600, 900, count, 10).columns).toBe(columns);
  });

  it("stacks tiles on a narrow one", () => {
    expect(bestGrid(390, 800, 3, 10).columns).toBe(1);
  });

  it("never runs over", () => {
    for (let count = 1; count <= 30; count += 1) {
      const { columns, width, height } = bestGrid(1000, 700, count, 8);
      const rows = Math.ceil(count / columns);
      expect(columns * width + (columns - 1) * 8).toBeLessThanOrEqual(1000);
      expect(rows * height + (rows - 1) * 8).toBeLessThanOrEqual(700);
    }
  });

  it("has no size before it is measured", () => {
    expect(bestGrid(0, 0, 3, 10).width).toBe(0);
  });
});
