/** A value that can be watched: what view models are made of, and all that components need to know of them. */
export class Store<T> {
  #value: T;
  readonly #watchers = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  /** The newest value. It never changes in place, so it may be compared by identity. */
  readonly get = (): T => this.#value;

  set(value: T): void {
    if (!Object.is(value, this.#value)) {
      this.#value = value;
      for (const watcher of [...this.#watchers]) {
        watcher();
      }
    }
  }

  /** Change some fields and keep the others. */
  patch(changes: Partial<T>): void {
    this.set({ ...this.#value, ...changes });
  }

  /** Call `watcher` after each change; the returned function ends that. */
  readonly subscribe = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };
}
