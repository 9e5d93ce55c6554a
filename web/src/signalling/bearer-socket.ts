/** A member's socket: each request carries the access token that is valid now (RFC 8898). */
import { parseChallenge } from "./challenge";
import { ProvingSocket, type WebSocketMaker } from "./proving-socket";
import { withHeader } from "./sip-text";

/** Hands out the current access token; `renew` asks for a new one even if the old one looks good. */
export type TokenSource = (renew: boolean) => Promise<string>;

export class BearerSocket extends ProvingSocket {
  readonly #token: TokenSource;

  constructor(url: string, token: TokenSource, open?: WebSocketMaker) {
    super(url, open);
    this.#token = token;
  }

  protected override async prove(text: string): Promise<string> {
    return withHeader(text, "Authorization", `Bearer ${await this.#token(false)}`);
  }

  protected override async challenged(challenges: readonly string[]): Promise<boolean> {
    const refused = challenges.some((value) => {
      const challenge = parseChallenge(value);
      return challenge?.scheme === "bearer" && challenge.parameters.get("error") === "invalid_token";
    });
    if (refused) {
      await this.#token(true);
    }
    return refused;
  }
}
