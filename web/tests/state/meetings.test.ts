// @vitest-environment node
import { describe, expect, it } from "vitest";
import { Api } from "../../src/state/api";
import { MeetingsModel } from "../../src/state/meetings";

const FIRST = { id: "1", subject: "One", link: "l", focus: "f", created_at: 100, dial: "f" };
const SECOND = { ...FIRST, id: "2", subject: "Two", created_at: 200 };

interface Call {
  readonly path: string;
  readonly method: string;
  readonly authorization: string | null;
  readonly body: string;
}

function modelWith(answer: (call: Call) => Response): { model: MeetingsModel; calls: Call[] } {
  const calls: Call[] = [];
  const api = new Api(
    async () => ({ Authorization: "DPoP token" }),
    async (input, init) => {
      const request = new Request(`https://h${String(input)}`, init);
      const call = {
        path: String(input),
        method: request.method,
        authorization: request.headers.get("Authorization"),
        body: await request.text(),
      };
      calls.push(call);
      return answer(call);
    },
  );
  return { model: new MeetingsModel(api), calls };
}

describe("MeetingsModel", () => {
  it("lists newest first, with the token", async () => {
    const { model, calls } = modelWith(() => Response.json([FIRST, SECOND]));
    await model.load();
    expect(model.state.get().meetings.map((meeting) => meeting.id)).toEqual(["2", "1"]);
    expect(calls[0]?.authorization).toBe("DPoP token");
  });

  it("makes a meeting and puts it on top", async () => {
    const { model, calls } = modelWith(({ method }) => Response.json(method === "POST" ? SECOND : [FIRST]));
    await model.load();
    await expect(model.create("  Two ")).resolves.toEqual(SECOND);
    expect(JSON.parse(calls[1]?.body ?? "")).toEqual({ subject: "Two" });
    expect(model.state.get().meetings.map((meeting) => meeting.id)).toEqual(["2", "1"]);
  });

  it("takes an ended meeting from the list only once the server agreed", async () => {
    let status = 500;
    const { model } = modelWith(({ method }) =>
      method === "DELETE" ? new Response(null, { status }) : Response.json([FIRST]),
    );
    await model.load();
    await model.end("1");
    expect(model.state.get()).toMatchObject({ meetings: [FIRST], trouble: "refused" });
    status = 204;
    await model.end("1");
    expect(model.state.get().meetings).toEqual([]);
  });

  it("shows the new link in the old one's place", async () => {
    const renewed = { ...FIRST, link: "new" };
    const { model, calls } = modelWith(({ method }) =>
      Response.json(method === "POST" ? renewed : [FIRST, SECOND]),
    );
    await model.load();
    await model.replaceKey("1");
    expect(calls[1]?.path).toBe("/api/v1/meetings/1/conference-key");
    expect(model.state.get().meetings).toEqual([SECOND, renewed]);
  });

  it("says when the server can't be reached", async () => {
    const { model } = modelWith(() => {
      throw new TypeError("Failed to fetch");
    });
    await model.load();
    expect(model.state.get()).toMatchObject({ phase: "ready", trouble: "unreachable" });
  });
});
