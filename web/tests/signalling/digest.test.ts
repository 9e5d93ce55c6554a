// @vitest-environment node
import { describe, expect, it } from "vitest";
import { digestAuthorization, digestChallenge } from "../../src/signalling/digest";

const NONCE = {
  realm: "http-auth@example.org",
  nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
  opaque: "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
};

describe("digestAuthorization", () => {
  it("computes the SHA-256 example of RFC 7616 section 3.9.1", async () => {
    const value = await digestAuthorization(
      { username: "Mufasa", password: "Circle of Life" },
      NONCE,
      { method: "GET", uri: "/dir/index.html" },
      1,
      "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    );
    expect(value).toContain('response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"');
    expect(value).toContain("nc=00000001");
    expect(value).toContain('opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"');
    expect(value).toContain("algorithm=SHA-256");
  });

  it("writes the count in eight hexadecimal digits", async () => {
    const request = { method: "INVITE", uri: "sip:a@b" };
    const value = await digestAuthorization({ username: "a", password: "b" }, NONCE, request, 26, "c");
    expect(value).toContain("nc=0000001a");
  });
});

describe("digestChallenge", () => {
  it("takes the SHA-256 challenge among others", () => {
    const found = digestChallenge([
      'Digest realm="d", nonce="md5", algorithm=MD5, qop="auth"',
      'Bearer realm="d", authz_server="https://h/identity"',
      'Digest realm="d", nonce="good", algorithm=SHA-256, qop="auth,auth-int", opaque="o", stale=TRUE',
    ]);
    expect(found).toEqual({ nonce: { realm: "d", nonce: "good", opaque: "o" }, stale: true });
  });

  it("refuses MD5, so that a downgrade gives nothing away", () => {
    expect(digestChallenge(['Digest realm="d", nonce="n", qop="auth"'])).toBeNull();
  });

  it("refuses a challenge without qop=auth", () => {
    expect(digestChallenge(['Digest realm="d", nonce="n", algorithm=SHA-256'])).toBeNull();
  });
});
