// Passkeys (WebAuthn) on our own pages. A form brings the question in `data-options` and takes the
// browser's answer in its field `answer`; the server judges. Forms stay hidden where a browser has
// no passkeys, so nobody is offered what can't work.
"use strict";

const TROUBLE = {
  NotAllowedError: "No passkey was used. You can try again.",
  InvalidStateError: "This device has a passkey for you already.",
  SecurityError: "This browser doesn’t allow passkeys at this address.",
};

async function ask(kind, options) {
  if (kind === "create") {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return navigator.credentials.create({ publicKey });
  }
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return navigator.credentials.get({ publicKey });
}

async function answer(form) {
  const trouble = form.querySelector("[data-trouble]");
  trouble.hidden = true;
  trouble.textContent = "";
  try {
    const credential = await ask(form.dataset.passkey, JSON.parse(form.dataset.options));
    form.elements.namedItem("answer").value = JSON.stringify(credential.toJSON());
    form.submit();
  } catch (error) {
    trouble.hidden = false;
    trouble.textContent = TROUBLE[error.name] ?? "The passkey didn’t work. You can try again.";
  }
}

if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer(form);
    });
  }
}
