/**
 * One INVITE and the dialog it makes (RFC 3261 sections 12 and 13), with any body: the focus of a meeting
 * takes C3P, its audio-video endpoint SDP. JsSIP's own session object can't be had without media.
 */
import { type UA, URI } from "jssip";
import Dialog from "jssip/lib/Dialog.js";
import RequestSender from "jssip/lib/RequestSender.js";
import {
  type IncomingMessage,
  type IncomingRequest,
  type IncomingResponse,
  InitialOutgoingInviteRequest,
} from "jssip/lib/SIPMessage.js";

/** A response as the layers above see it. Status 408 also stands for no answer, 503 for a lost connection. */
export interface SipReply {
  readonly status: number;
  readonly reason: string;
  readonly body: string;
  /** Value of the Reason header (RFC 3326), or "". */
  readonly cause: string;
  /** Value of Vestibule-Admission, or "". */
  readonly admission: string;
}

export interface InviteListener {
  /** A provisional response above 100. */
  onProgress(reply: SipReply): void;
  onAccepted(reply: SipReply): void;
  onRefused(reply: SipReply): void;
  /** The other side ended the dialog (or it was lost): the text of its Reason header, or "". */
  onEnded(cause: string): void;
}

export interface InviteOptions {
  readonly target: string;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: readonly string[];
}

const LOST: SipReply = { status: 503, reason: "Connection lost", body: "", cause: "", admission: "" };
const SILENT: SipReply = { status: 408, reason: "No answer", body: "", cause: "", admission: "" };

export class InviteDialog {
  readonly #ua: UA;
  readonly #listener: InviteListener;
  readonly #request: InitialOutgoingInviteRequest;
  #dialog: Dialog | null = null;
  #state: "calling" | "proceeding" | "confirmed" | "over" = "calling";
  #abandoned = false;

  /** Sends the INVITE at once. Throws TypeError if the target is no SIP URI. */
  constructor(ua: UA, options: InviteOptions, listener: InviteListener) {
    const target: URI | undefined = URI.parse(options.target);
    if (!target) {
      throw new TypeError("not a SIP URI");
    }
    this.#ua = ua;
    this.#listener = listener;
    const headers = [
      `Contact: ${ua.contact.toString()}`,
      `Content-Type: ${options.contentType}`,
      ...(options.headers ?? []),
    ];
    this.#request = new InitialOutgoingInviteRequest(target, ua, null, headers, options.body);
    new RequestSender(ua, this.#request, {
      onRequestTimeout: () => this.#refuse(SILENT),
      onTransportError: () => this.#refuse(LOST),
      onReceiveResponse: (response) => this.#receive(response),
    }).send();
  }

  /** Send a request within the dialog; rejects never, see SipReply. */
  request(method: string, contentType: string, body: string): Promise<SipReply> {
    const dialog = this.#dialog;
    if (this.#state !== "confirmed" || !dialog) {
      return Promise.resolve(LOST);
    }
    return new Promise((resolve) => {
      dialog.sendRequest(method, {
        extraHeaders: [`Content-Type: ${contentType}`],
        body,
        eventHandlers: {
          onSuccessResponse: (response) => resolve(replyOf(response)),
          onErrorResponse: (response) => resolve(replyOf(response)),
          onRequestTimeout: () => resolve(SILENT),
          onTransportError: () => resolve(LOST),
          onDialogError: (response) => {
            resolve(replyOf(response));
            this.#end("");
          },
        },
      });
    });
  }

  /** Leave: BYE if the dialog stands, CANCEL if the answer is still awaited. Nothing is reported afterwards. */
  close(): void {
    if (this.#state === "confirmed") {
      this.#dialog?.sendRequest("BYE");
      this.#dispose();
    } else if (this.#state !== "over") {
      this.#abandoned = true;
      // Before the first provisional response CANCEL may not be sent (RFC 3261 section 9.1).
      if (this.#state === "proceeding") {
        this.#request.cancel();
      }
    }
  }

  #receive(response: IncomingResponse): void {
    const status = response.status_code;
    if (status < 200) {
      this.#progress(response);
    } else if (status < 300) {
      this.#accept(response);
    } else {
      this.#refuse(replyOf(response));
    }
  }

  #progress(response: IncomingResponse): void {
    if (this.#state === "calling") {
      this.#state = "proceeding";
      if (this.#abandoned) {
        this.#request.cancel();
      }
    }
    if (response.status_code > 100 && !this.#abandoned) {
      this.#listener.onProgress(replyOf(response));
    }
  }

  #accept(response: IncomingResponse): void {
    if (this.#state === "over") {
      return;
    }
    if (this.#dialog) {
      this.#dialog.sendRequest("ACK"); // a repeated 200
      return;
    }
    const dialog = new Dialog(
      { _ua: this.#ua, receiveRequest: (request) => this.#serve(request) },
      response,
      "UAC",
    );
    if (dialog.error) {
      this.#refuse({ ...replyOf(response), status: 500, reason: dialog.error });
      return;
    }
    this.#dialog = dialog;
    this.#state = "confirmed";
    dialog.sendRequest("ACK");
    if (this.#abandoned) {
      this.close(); // CANCEL and 200 crossed
    } else {
      this.#listener.onAccepted(replyOf(response));
    }
  }

  #serve(request: IncomingRequest): void {
    switch (request.method) {
      case "ACK":
        break;
      case "BYE":
        request.reply(200);
        this.#end(request.getHeader("Reason") ?? "");
        break;
      case "INFO":
        request.reply(200);
        break;
      case "INVITE":
      case "UPDATE":
        // Slots are fixed: nothing of a running session is ever renegotiated.
        request.reply(488);
        break;
      default:
        request.reply(405);
    }
  }

  #refuse(reply: SipReply): void {
    if (this.#state === "over") {
      return;
    }
    const wasConfirmed = this.#state === "confirmed";
    this.#dispose();
    if (this.#abandoned) {
      return;
    }
    if (wasConfirmed) {
      this.#listener.onEnded("");
    } else {
      this.#listener.onRefused(reply);
    }
  }

  #end(cause: string): void {
    if (this.#state !== "over") {
      this.#dispose();
      this.#listener.onEnded(cause);
    }
  }

  #dispose(): void {
    this.#state = "over";
    this.#dialog?.terminate();
    this.#dialog = null;
  }
}

function replyOf(response: IncomingMessage & { status_code: number; reason_phrase: string }): SipReply {
  return {
    status: response.status_code,
    reason: response.reason_phrase,
    body: response.body ?? "",
    cause: response.getHeader("Reason") ?? "",
    admission: response.getHeader("Vestibule-Admission") ?? "",
  };
}
