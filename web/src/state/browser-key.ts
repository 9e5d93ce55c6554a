/**
 * The key that this browser's tokens are bound to (DPoP, RFC 9449): it can sign, but nobody can read it out, so tokens
 * taken from a tab are worth nothing elsewhere. All tabs share it, also while they are signed in apart.
 */
import { type DPoPState, IndexedDbDPoPStore } from "oidc-client-ts";

export class BrowserKey extends IndexedDbDPoPStore {
  /** One tab's session is over; others may need the key. */
  override remove(name: string): Promise<DPoPState> {
    return this.get(name);
  }

  /** Nobody is signed in with this browser any more. */
  async forget(name: string): Promise<void> {
    await super.remove(name);
  }
}
