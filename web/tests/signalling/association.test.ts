// @vitest-environment node
import { describe, expect, it } from "vitest";
import VECTORS from "../../../tests/vectors/association.json";
import { type AgreedKeys, Association, deriveKeys, proofOf } from "../../src/signalling/association";
import { fromBase64Url, toBase64Url } from "../../src/signalling/base64url";
import { canonicalForm, type Direction, framed } from "../../src/signalling/canonical-form";

interface Vectors {
  readonly agreement: Record<"id" | "person" | "client_private" | "client_public" | "server_public", string>;
  readonly messages: readonly {
    readonly name: string;
    readonly direction: Direction;
    readonly number: number;
    readonly text: string;
    readonly form: string;
    readonly mac: string;
  }[];
}

const { agreement, messages } = VECTORS as Vectors;

async function keys(): Promise<AgreedKeys> {
  const ours = fromBase64Url(agreement.client_public);
  const [x, y] = [ours.slice(1, 33), ours.slice(33)].map(toBase64Url);
  const jwk = { kty: "EC", crv: "P-256", d: agreement.client_private, x: x ?? "", y: y ?? "" };
  const curve = { name: "ECDH", namedCurve: "P-256" };
  const privateKey = await crypto.subtle.importKey("jwk", jwk, curve, false, ["deriveKey"]);
  const theirs = fromBase64Url(agreement.server_public);
  return deriveKeys(privateKey, ours, theirs, agreement.id, agreement.person);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

describe("the shared vectors", () => {
  it.each(messages)("give the form of $name", async ({ text, direction, number, form }) => {
    expect(hex(await canonicalForm(text, direction, number))).toBe(form);
  });

  it.each(messages)("give the MAC of $name", async ({ direction, form, mac }) => {
    const { fromClient, fromServer } = await keys();
    const octets = Uint8Array.from(form.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    if (direction === "client-to-server") {
      expect(toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", fromClient, octets)))).toBe(mac);
    } else {
      expect(await crypto.subtle.verify("HMAC", fromServer, fromBase64Url(mac), octets)).toBe(true);
    }
  });

  it("give keys that nobody can read out, each for one use", async () => {
    const { fromClient, fromServer } = await keys();
    expect([fromClient.extractable, fromServer.extractable]).toEqual([false, false]);
    expect([fromClient.usages, fromServer.usages]).toEqual([["sign"], ["verify"]]);
  });
});

describe("the canonical form", () => {
  it("frames parts so that none can run into the next", () => {
    expect(hex(framed(["ab", "", new Uint8Array([7])]))).toBe("000000026162000000000000000107");
  });

  it.each(["", "\r\n\r\n", "junk\r\n\r\n", "MESSAGE sip:a SIP/2.0\r\n"])(
    "is refused to '%s'",
    async (text) => {
      await expect(canonicalForm(text, "server-to-client", 1)).rejects.toThrow();
    },
  );
});

describe("Association", () => {
  const incoming = messages.filter(({ direction }) => direction === "server-to-client");

  async function association(): Promise<Association> {
    return new Association(agreement.id, await keys(), 0, 100);
  }

  it("counts what it proves", async () => {
    const one = await association();
    const [first] = messages;
    expect(await one.prove(first?.text ?? "")).toBe(`id="${agreement.id}", seq=1, mac="${first?.mac}"`);
    expect(await one.prove(first?.text ?? "")).toContain("seq=2,");
  });

  it("takes each of the server's messages once, in rising order", async () => {
    const one = await association();
    const [late, early] = incoming;
    const proof = (vector: typeof late) => ({
      id: agreement.id,
      number: vector?.number ?? 0,
      mac: vector?.mac ?? "",
    });
    expect(await one.verify(early?.text ?? "", proof(early))).toBe(true);
    expect(await one.verify(early?.text ?? "", proof(early))).toBe(false);
    expect(await one.verify(late?.text ?? "", proof(early))).toBe(false);
    expect(await one.verify(late?.text ?? "", proof(late))).toBe(true);
    expect(await one.verify(early?.text ?? "", proof(early))).toBe(false);
  });
});

describe("proofOf", () => {
  const good = `id="${agreement.id}", seq=7, mac="${"A".repeat(43)}"`;
  const message = (...values: string[]) =>
    ["SIP/2.0 200 OK", ...values.map((value) => `Association-Proof: ${value}`), "", ""].join("\r\n");

  it("reads the one spelling", () => {
    expect(proofOf(message(good))).toEqual({ id: agreement.id, number: 7, mac: "A".repeat(43) });
  });

  it.each([
    [],
    [good, good],
    [good.replace("seq=7", "seq=07")],
    [good.replace("seq=7", "seq=0")],
    [good.replace(", ", ",")],
    [`${good}, x=1`],
    [good.replace('A"', '"')],
  ])("finds none in %j", (...values) => {
    expect(proofOf(message(...values))).toBeNull();
  });
});
