// @vitest-environment node
import { describe, expect, it } from "vitest";
import { RetryLedger } from "../../src/signalling/retry-ledger";
import { branchOf, sequenceOf } from "../../src/signalling/sip-text";
import { request, response } from "./fake-web-socket";

function ledger(): RetryLedger {
  let made = 0;
  return new RetryLedger(() => {
    made += 1;
    return `new${made}`;
  });
}

describe("RetryLedger", () => {
  it("lets everything pass byte for byte while nothing is repeated", () => {
    const subject = ledger();
    const invite = request("INVITE", "b1", 4);
    expect(subject.outgoing(invite)).toBe(invite);
    const ringing = response(invite, "183 Session Progress");
    expect(subject.incoming(ringing)).toBe(ringing);
    const ack = request("ACK", "b1", 4);
    expect(subject.outgoing(ack)).toBe(ack);
  });

  it("shifts the later requests of the same call, and only of that", () => {
    const subject = ledger();
    subject.outgoing(request("INFO", "b1", 5));
    subject.repeat("b1");
    expect(sequenceOf(subject.outgoing(request("INFO", "b2", 6))).number).toBe(7);
    expect(sequenceOf(subject.outgoing(request("INFO", "c1", 6, "call-2"))).number).toBe(6);
  });

  it("gives CANCEL and the ACK to a refusal the branch and number of the repeated INVITE", () => {
    const subject = ledger();
    subject.outgoing(request("INVITE", "b1", 5));
    subject.repeat("b1");
    for (const method of ["CANCEL", "ACK"]) {
      const wire = subject.outgoing(request(method, "b1", 5));
      expect(branchOf(wire)).toBe("new1");
      expect(sequenceOf(wire)).toEqual({ number: 6, method });
    }
  });

  it("gives the ACK to a 2xx the number of the repeated INVITE and leaves its branch", () => {
    const subject = ledger();
    subject.outgoing(request("INVITE", "b1", 5));
    subject.repeat("b1");
    const wire = subject.outgoing(request("ACK", "b9", 5));
    expect(branchOf(wire)).toBe("b9");
    expect(sequenceOf(wire).number).toBe(6);
  });

  it("repeats with a number above all that went out meanwhile", () => {
    const subject = ledger();
    subject.outgoing(request("INFO", "b1", 5));
    subject.outgoing(request("INFO", "b2", 6));
    expect(sequenceOf(subject.repeat("b1") ?? "").number).toBe(7);
    expect(sequenceOf(subject.outgoing(request("INFO", "b3", 7))).number).toBe(8);
  });

  it("knows nothing of a request that got its final answer", () => {
    const subject = ledger();
    const info = subject.outgoing(request("INFO", "b1", 5));
    subject.incoming(response(info, "200 OK"));
    expect(subject.repeat("b1")).toBeNull();
  });
});
