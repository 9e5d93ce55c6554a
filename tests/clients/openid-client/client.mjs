// What tests/interop/test_openid_clients.py lets openid-client do: one step a run, what is needed later in a file.
//   begin FILE ISSUER REDIRECT    prints where to send the browser
//   finish FILE CALLBACK          takes the code, uses and refreshes the tokens, tries what must be refused
//   device FILE ISSUER            prints the code to type
//   poll FILE                     waits for the person's word and uses the tokens
// Keys are extractable here only because they outlive a run.
import { readFile, writeFile } from "node:fs/promises";
import * as oidc from "openid-client";

const SCOPE = "openid profile offline_access";
const SESSION = "/api/v1/session";

async function discover(issuer, clientId) {
  return oidc.discovery(new URL(issuer), clientId, undefined, oidc.None());
}

async function newKey(algorithm) {
  const pair = await oidc.randomDPoPKeyPair(algorithm, { extractable: true });
  const jwk = (key) => crypto.subtle.exportKey("jwk", key);
  return { algorithm, privateKey: await jwk(pair.privateKey), publicKey: await jwk(pair.publicKey) };
}

async function pairOf({ algorithm, privateKey, publicKey }) {
  const of = algorithm === "ES256" ? { name: "ECDSA", namedCurve: "P-256" } : { name: "Ed25519" };
  return {
    privateKey: await crypto.subtle.importKey("jwk", privateKey, of, false, ["sign"]),
    publicKey: await crypto.subtle.importKey("jwk", publicKey, of, true, ["verify"]),
  };
}

/** The error code of what must not work; "none" if it did. */
async function refusal(act) {
  try {
    await act();
  } catch (error) {
    return error.error ?? error.cause?.[0]?.parameters?.error ?? error.code ?? String(error);
  }
  return "none";
}

/** Uses a token as its holder, and as a thief with a key of their own or with none. */
async function use(config, tokens, DPoP) {
  const url = new URL(SESSION, config.serverMetadata().issuer);
  const token = tokens.access_token;
  const call = (options) =>
    oidc.fetchProtectedResource(config, token, url, "GET", undefined, undefined, options);
  const thief = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("ES256"));
  const session = await call({ DPoP });
  return {
    token_type: tokens.token_type,
    session: await session.json(),
    as_bearer: await refusal(() => call()),
    with_another_key: await refusal(() => call({ DPoP: thief })),
  };
}

async function begin(file, issuer, redirect, algorithm) {
  const config = await discover(issuer, "vestibule-web");
  const key = await newKey(algorithm);
  const DPoP = oidc.getDPoPHandle(config, await pairOf(key));
  const state = { issuer, key, verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() };
  await writeFile(file, JSON.stringify(state));
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirect,
    scope: SCOPE,
    state: state.state,
    nonce: state.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(state.verifier),
    code_challenge_method: "S256",
    dpop_jkt: await DPoP.calculateThumbprint(),
  });
  return { url: url.href };
}

async function finish(file, callback) {
  const said = JSON.parse(await readFile(file, "utf8"));
  const config = await discover(said.issuer, "vestibule-web");
  oidc.enableNonRepudiationChecks(config); // the ID token's signature too, though it came over TLS
  const DPoP = oidc.getDPoPHandle(config, await pairOf(said.key));
  const url = new URL(callback);
  const checks = { pkceCodeVerifier: said.verifier, expectedState: said.state, expectedNonce: said.nonce, idTokenExpected: true };
  const tokens = await oidc.authorizationCodeGrant(config, url, checks, undefined, { DPoP });
  const { sub } = tokens.claims();
  const person = await oidc.fetchUserInfo(config, tokens.access_token, sub, { DPoP });
  const used = await use(config, tokens, DPoP);
  const thief = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair("ES256"));
  const refresh = (token, options, more) => oidc.refreshTokenGrant(config, token, more, options);
  const stolen = await refusal(() => refresh(tokens.refresh_token, { DPoP: thief }));
  const wider = await refusal(() => refresh(tokens.refresh_token, { DPoP }, { scope: "openid admin" }));
  const second = await refresh(tokens.refresh_token, { DPoP });
  const reused = await refusal(() => refresh(tokens.refresh_token, { DPoP }));
  const family = await refusal(() => refresh(second.refresh_token, { DPoP }));
  return { amr: tokens.claims().amr, person, used, second: second.token_type, refused: { stolen, wider, reused, family } };
}

async function device(file, issuer, algorithm) {
  const config = await discover(issuer, "vestibule-cli");
  const begun = await oidc.initiateDeviceAuthorization(config, { scope: SCOPE });
  await writeFile(file, JSON.stringify({ issuer, begun, key: await newKey(algorithm) }));
  return { user_code: begun.user_code, verification_uri: begun.verification_uri };
}

async function poll(file) {
  const { issuer, begun, key } = JSON.parse(await readFile(file, "utf8"));
  const config = await discover(issuer, "vestibule-cli");
  const DPoP = oidc.getDPoPHandle(config, await pairOf(key));
  const signal = AbortSignal.timeout(30_000);
  let tokens;
  const error = await refusal(async () => {
    tokens = await oidc.pollDeviceAuthorizationGrant(config, begun, undefined, { DPoP, signal });
  });
  if (!tokens) {
    return { error };
  }
  const used = await use(config, tokens, DPoP);
  await oidc.tokenRevocation(config, tokens.refresh_token);
  const after = await refusal(() => oidc.fetchUserInfo(config, tokens.access_token, oidc.skipSubjectCheck, { DPoP }));
  return { used, after };
}

const STEPS = { begin, finish, device, poll };
const [step, ...rest] = process.argv.slice(2);
console.log(JSON.stringify(await STEPS[step](...rest)));
