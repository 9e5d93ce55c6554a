/**
 * The parts of JsSIP 3.13 that it does not export: it knows no INVITE without media, which the focus of a
 * meeting is. Only what invite-dialog.ts uses is declared here; the version is pinned in package.json.
 */
declare module "jssip/lib/SIPMessage.js" {
  import type { UA, URI } from "jssip";

  export class IncomingMessage {
    readonly method: string;
    readonly body: string | null;
    getHeader(name: string): string | undefined;
    hasHeader(name: string): boolean;
  }
  export class IncomingRequest extends IncomingMessage {
    reply(status: number, reason?: string | null, extraHeaders?: string[]): void;
  }
  export class IncomingResponse extends IncomingMessage {
    readonly status_code: number;
    readonly reason_phrase: string;
  }
  export class InitialOutgoingInviteRequest {
    constructor(target: URI, ua: UA, parameters: null, extraHeaders: string[], body: string);
    cancel(reason?: string): void;
  }
}

declare module "jssip/lib/RequestSender.js" {
  import type { UA } from "jssip";
  import type { IncomingResponse, InitialOutgoingInviteRequest } from "jssip/lib/SIPMessage.js";

  export default class RequestSender {
    constructor(
      ua: UA,
      request: InitialOutgoingInviteRequest,
      handlers: {
        onRequestTimeout(): void;
        onTransportError(): void;
        onReceiveResponse(response: IncomingResponse): void;
      },
    );
    send(): void;
  }
}

declare module "jssip/lib/Dialog.js" {
  import type { UA } from "jssip";
  import type { IncomingRequest, IncomingResponse } from "jssip/lib/SIPMessage.js";

  export interface DialogOwner {
    readonly _ua: UA;
    receiveRequest(request: IncomingRequest): void;
  }
  export default class Dialog {
    /** Set instead of everything else if the response can't make a dialog. */
    readonly error?: string;
    constructor(owner: DialogOwner, message: IncomingResponse, type: "UAC");
    sendRequest(
      method: string,
      options?: {
        extraHeaders?: string[];
        body?: string;
        eventHandlers?: {
          onSuccessResponse?(response: IncomingResponse): void;
          onErrorResponse?(response: IncomingResponse): void;
          onDialogError?(response: IncomingResponse): void;
          onRequestTimeout?(): void;
          onTransportError?(): void;
        };
      },
    ): void;
    terminate(): void;
  }
}

/** JsSIP's emitters come from this package, which brings no types; listeners state their own. */
declare module "events" {
  export class EventEmitter<_Events = unknown> {
    on(event: string, listener: (...values: never[]) => void): this;
  }
}
