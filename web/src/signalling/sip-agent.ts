/** The SIP library's user agent on one of our sockets: connection state, dialogs, subscriptions. */
import { UA } from "jssip";
import { InviteDialog, type InviteListener, type InviteOptions } from "./invite-dialog";
import type { ProvingSocket } from "./proving-socket";

export interface AgentListener {
  /** The connection stands and requests may be sent; again after each reconnection. */
  onConnected(): void;
  /** The connection is gone. It is being re-opened unless `close` was called. */
  onDisconnected(): void;
}

export interface SubscriptionListener {
  onDocument(body: string): void;
  onTerminated(): void;
}

export interface Subscription {
  /** Ask for a whole document again. */
  refresh(): void;
  close(): void;
}

/** Seconds a subscription lasts without refresh. */
const SUBSCRIPTION_SECONDS = 600;

export class SipAgent {
  readonly uri: string;
  readonly #ua: UA;

  constructor(socket: ProvingSocket, uri: string, displayName: string, listener: AgentListener) {
    this.uri = uri;
    this.#ua = new UA({
      sockets: socket,
      uri,
      display_name: displayName,
      register: false,
      session_timers: false,
      user_agent: "Vestibule web",
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 15,
    });
    this.#ua.on("connected", () => listener.onConnected());
    this.#ua.on("disconnected", () => listener.onDisconnected());
  }

  start(): void {
    this.#ua.start();
  }

  /** Close the connection once open transactions are done. */
  close(): void {
    this.#ua.stop();
  }

  invite(options: InviteOptions, listener: InviteListener): InviteDialog {
    return new InviteDialog(this.#ua, options, listener);
  }

  subscribe(target: string, event: string, accept: string, listener: SubscriptionListener): Subscription {
    const subscriber = this.#ua.subscribe(target, event, accept, { expires: SUBSCRIPTION_SECONDS });
    let closed = false;
    subscriber.on("notify", (_final: boolean, _request: unknown, body: string | undefined) => {
      if (body) {
        listener.onDocument(body);
      }
    });
    subscriber.on("terminated", () => {
      if (!closed) {
        closed = true;
        listener.onTerminated();
      }
    });
    subscriber.subscribe();
    return {
      refresh: () => {
        if (!closed) {
          subscriber.subscribe();
        }
      },
      close: () => {
        if (!closed) {
          closed = true;
          subscriber.terminate();
        }
      },
    };
  }
}
