// An OpenID provider (panva's oidc-provider) over HTTPS, with the people that its settings name. Whoever comes is
// asked who they are and is believed: what is tested is the one who asks us.
//
//   node serve.js SETTINGS.json     {issuer, port, address, certificate, key, client, people}
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { Provider } from "oidc-provider";

const settings = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const provider = new Provider(settings.issuer, {
  clients: [settings.client],
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", kid: "first" }] },
  cookies: { keys: ["a key for tests"] },
  features: { devInteractions: { enabled: false } },
  // As Entra ID and Keycloak do: what was asked for by scope is in the ID token.
  conformIdTokenClaims: false,
  claims: {
    openid: ["sub", "amr", "acr"],
    email: ["email", "email_verified"],
    profile: ["name", "preferred_username"],
  },
  acrValues: ["urn:test:two-factors"],
  interactions: { url: (_, interaction) => `/enter/${interaction.uid}` },
  findAccount: (_, id) =>
    settings.people[id] && { accountId: id, claims: () => ({ sub: id, ...settings.people[id] }) },
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({
      accountId: ctx.oidc.session.accountId,
      clientId: ctx.oidc.client.clientId,
    });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});

async function enter(request, response) {
  if (request.method !== "POST") {
    response.setHeader("content-type", "text/html");
    response.end('<form method="post">Who are you? <input name="as"></form>');
    return;
  }
  let body = "";
  for await (const piece of request) body += piece;
  const typed = new URLSearchParams(body);
  const login = { accountId: typed.get("as") };
  if (typed.get("amr")) login.amr = [typed.get("amr")];
  if (typed.get("acr")) login.acr = typed.get("acr");
  const result = typed.get("as")
    ? { login }
    : { error: "access_denied", error_description: "nobody typed anything" };
  await provider.interactionFinished(request, response, result, {
    mergeWithLastSubmission: false,
  });
}

const answer = provider.callback();
createServer(
  { cert: readFileSync(settings.certificate), key: readFileSync(settings.key) },
  (request, response) =>
    request.url.startsWith("/enter/") ? enter(request, response) : answer(request, response),
).listen(settings.port, settings.address, () => console.log("listening"));
