/** Where we are in the application: the path and fragment of the address bar, as a store. */
import { Store } from "../state/store";

export interface Place {
  readonly path: string;
  readonly fragment: string;
  /** The person pressed a button of ours to get here, so nothing needs to be asked again. */
  readonly direct: boolean;
}

function here(): Place {
  const state: unknown = window.history.state;
  const direct = typeof state === "object" && state !== null && "direct" in state;
  return { path: window.location.pathname, fragment: window.location.hash, direct };
}

export const place = new Store<Place>(here());

window.addEventListener("popstate", () => place.set(here()));

export function navigate(to: string, options: { replace?: boolean; direct?: boolean } = {}): void {
  const state = options.direct ? { direct: true } : null;
  if (options.replace) {
    window.history.replaceState(state, "", to);
  } else {
    window.history.pushState(state, "", to);
  }
  place.set(here());
}

/** Path, query and fragment of an address on our own origin. */
export function localPart(address: string): string {
  const url = new URL(address, window.location.origin);
  return url.pathname + url.search + url.hash;
}
