// A device's key and certificate request (PKCS #10), made in the browser: the key never leaves it but
// into the file that the person saves. The link's code stands behind # and is sent only with the request.
"use strict";

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const ECDSA_WITH_SHA256 = [0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/** DER: a tag, the length of what follows, and it. */
function der(tag, ...parts) {
  const content = parts.flatMap((part) => [...part]);
  const length = content.length;
  if (length < 0x80) return [tag, length, ...content];
  return length < 0x100 ? [tag, 0x81, length, ...content] : [tag, 0x82, length >> 8, length & 255, ...content];
}

/** A positive INTEGER of big-endian octets. */
function integer(octets) {
  const first = octets.findIndex((octet) => octet !== 0);
  const digits = first < 0 ? [0] : [...octets.slice(first)];
  return der(0x02, digits[0] < 0x80 ? digits : [0, ...digits]);
}

function pem(label, octets) {
  const text = btoa(String.fromCharCode(...octets));
  return `-----BEGIN ${label}-----\n${text.match(/.{1,64}/g).join("\n")}\n-----END ${label}-----\n`;
}

/** A request for the key, with an empty subject: whose it is, the link says. */
async function requestFor(keys) {
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey));
  const body = der(0x30, integer([0]), der(0x30), spki, [0xa0, 0]);
  const hash = { name: "ECDSA", hash: "SHA-256" };
  const raw = new Uint8Array(await crypto.subtle.sign(hash, keys.privateKey, new Uint8Array(body)));
  const signature = der(0x30, integer(raw.slice(0, 32)), integer(raw.slice(32)));
  return pem("CERTIFICATE REQUEST", der(0x30, body, der(0x30, ECDSA_WITH_SHA256), der(0x03, [0], signature)));
}

async function enrol(code) {
  const keys = await crypto.subtle.generateKey(CURVE, true, ["sign"]);
  const answer = await fetch("/api/v1/device-enrolments", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ code, request: await requestFor(keys) }),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail ?? said.title);
  const key = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return pem("PRIVATE KEY", key) + said.certificate;
}

const code = location.hash.slice(1);
history.replaceState(null, "", location.pathname); // nobody reads it off the screen or the history
const form = document.querySelector("form");
const trouble = document.querySelector("[data-trouble]");

function say(text) {
  trouble.hidden = false;
  trouble.textContent = text;
}

if (!/^[A-Za-z0-9_-]{32}$/.test(code)) {
  say("This link is not complete. Scan the code again.");
} else {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    form.hidden = true;
    try {
      const file = new Blob([await enrol(code)], { type: "application/x-pem-file" });
      const save = document.querySelector("[data-save]");
      save.href = URL.createObjectURL(file);
      document.querySelector("[data-done]").hidden = false;
      save.click();
    } catch (error) {
      say(error.message);
    }
  });
}
