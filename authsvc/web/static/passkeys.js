// Passkeys: a button with data-passkey asks the server for options, the browser for a signature, and posts it back.
"use strict";
const UNUSED = "No passkey was used. Try again, or take another way.";
const token = document.querySelector("input[name=form_token]").value;

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-Form-Token": token,
      Accept: "application/json",
      "Accept-Language": document.documentElement.lang,
    },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail || said.title);
  return said;
}

async function sign(button) {
  const { options: where, passkey: kind, flow, next, finish } = button.dataset;
  const asked = await post(where, flow ? { flow } : {});
  const key = window.PublicKeyCredential;
  const credential = kind === "new"
    ? await navigator.credentials.create({ publicKey: key.parseCreationOptionsFromJSON(asked.options) })
    : await navigator.credentials.get({ publicKey: key.parseRequestOptionsFromJSON(asked.options) });
  const name = document.querySelector("#f-passkey-name");
  const done = await post(finish, { flow: asked.flow, answer: credential.toJSON(), next, name: name && name.value });
  location.assign(done.to);
}

for (const button of document.querySelectorAll("button[data-passkey]")) {
  if (!window.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const said = document.querySelector("#passkey-said");
    said.textContent = "";
    try {
      await sign(button);
    } catch (error) {
      said.textContent = error.name === "NotAllowedError" ? said.dataset.unused || UNUSED : error.message;
    }
  });
}
