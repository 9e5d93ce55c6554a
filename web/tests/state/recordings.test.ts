// @vitest-environment node
import { describe, expect, it } from "vitest";
import { clockTime, fileSize } from "../../src/messages";
import { Api } from "../../src/state/api";
import { RecordingsModel } from "../../src/state/recordings";

const ONE = {
  id: "r1",
  subject: "Plan",
  started_by: "Ann",
  started_at: 100,
  state: "finished",
  seconds: 61.5,
  octets: 2000,
  deleted_after: 200,
};

function modelWith(answer: (method: string, path: string) => Response): {
  model: RecordingsModel;
  calls: string[];
} {
  const calls: string[] = [];
  const api = new Api(
    async () => ({ Authorization: "DPoP token" }),
    async (input, init) => {
      calls.push(`${init?.method} ${String(input)} ${new Headers(init?.headers).get("Authorization")}`);
      return answer(init?.method ?? "", String(input));
    },
  );
  return { model: new RecordingsModel(api), calls };
}

describe("RecordingsModel", () => {
  it("lists, downloads with the token, and deletes", async () => {
    const { model, calls } = modelWith((method, path) =>
      method === "DELETE"
        ? new Response(null, { status: 204 })
        : path.endsWith("r1")
          ? new Response("webm")
          : Response.json([ONE]),
    );
    await model.load();
    expect(model.state.get()).toMatchObject({ phase: "ready", recordings: [ONE] });
    expect(await (await model.download("r1"))?.text()).toBe("webm");
    expect(model.state.get().downloading.size).toBe(0);
    await model.remove("r1");
    expect(model.state.get().recordings).toEqual([]);
    expect(calls).toEqual([
      "GET /api/v1/recordings DPoP token",
      "GET /api/v1/recordings/r1 DPoP token",
      "DELETE /api/v1/recordings/r1 DPoP token",
    ]);
  });

  it("keeps the list and says so when the server refuses", async () => {
    let status = 200;
    const { model } = modelWith(() =>
      status === 200 ? Response.json([ONE]) : Response.json({ title: "no" }, { status }),
    );
    await model.load();
    status = 404;
    expect(await model.download("r1")).toBeNull();
    await model.remove("r1");
    expect(model.state.get()).toMatchObject({ recordings: [ONE], trouble: "refused" });
  });
});

describe("numbers in words", () => {
  it("writes time as clocks do", () => {
    expect([0, 61.9, 3723].map(clockTime)).toEqual(["00:00", "01:01", "1:02:03"]);
  });

  it("writes sizes in units of a thousand", () => {
    expect([0, 2000, 12_345_678, 5e9, 5e15].map(fileSize)).toEqual([
      "0.0 kB",
      "2.0 kB",
      "12 MB",
      "5.0 GB",
      "5000 TB",
    ]);
  });
});
