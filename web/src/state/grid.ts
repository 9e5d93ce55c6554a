/** How to lay equal tiles into a rectangle so that they are as large as can be. */

export interface Grid {
  readonly columns: number;
  /** Size of one tile in the rectangle's own unit. */
  readonly width: number;
  readonly height: number;
}

const ASPECT = 16 / 9;

/** The best grid for `count` tiles of 16:9, `gap` apart. */
export function bestGrid(width: number, height: number, count: number, gap: number): Grid {
  let best: Grid = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(count / columns);
    const widest = (width - gap * (columns - 1)) / columns;
    const tallest = (height - gap * (rows - 1)) / rows;
    const tile = Math.max(0, Math.floor(Math.min(widest, tallest * ASPECT)));
    if (tile > best.width) {
      best = { columns, width: tile, height: Math.floor(tile / ASPECT) };
    }
  }
  return best;
}
