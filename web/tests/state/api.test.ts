// @vitest-environment node
import { describe, expect, it } from "vitest";
import { Api, ApiProblem } from "../../src/state/api";

const CHALLENGE = 'DPoP realm="h", algs="ES256", error="use_dpop_nonce", error_description="x"';

function refusal(nonce: string | null, challenge = CHALLENGE): Response {
  const headers = { "WWW-Authenticate": challenge, ...(nonce === null ? {} : { "DPoP-Nonce": nonce }) };
  return Response.json({ detail: "no" }, { status: 401, headers });
}

function apiWith(...answers: Response[]): { api: Api; nonces: (string | null)[] } {
  const nonces: (string | null)[] = [];
  const api = new Api(
    async (_method, _path, nonce) => {
      nonces.push(nonce);
      return { Authorization: "DPoP token" };
    },
    async () => answers.shift() ?? Response.error(),
  );
  return { api, nonces };
}

describe("Api", () => {
  it("makes a new proof with the server's nonce, and keeps the newest for the next request", async () => {
    const { api, nonces } = apiWith(
      refusal("first"),
      Response.json([], { headers: { "DPoP-Nonce": "second" } }),
      Response.json([]),
    );
    await api.meetings();
    await api.meetings();
    expect(nonces).toEqual([null, "first", "second"]);
  });

  it("asks again once, not for ever", async () => {
    const { api, nonces } = apiWith(refusal("first"), refusal("second"), Response.json([]));
    await expect(api.meetings()).rejects.toThrow(ApiProblem);
    expect(nonces).toEqual([null, "first"]);
  });

  it("doesn't repeat what was refused for another reason", async () => {
    const { api, nonces } = apiWith(refusal(null, 'Bearer error="invalid_token"'), Response.json([]));
    await expect(api.meetings()).rejects.toThrow("no");
    expect(nonces).toEqual([null]);
  });
});
