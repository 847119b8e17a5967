// Passkeys: a form with data-passkey asks the browser for one and takes its answer along. Without this file, or where a
// browser has no passkeys, the pages offer the other second factors.
(function () {
  "use strict";

  function bytes(text) {
    var raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(raw, function (c) { return c.charCodeAt(0); });
  }

  function text(buffer) {
    var raw = "";
    new Uint8Array(buffer).forEach(function (b) { raw += String.fromCharCode(b); });
    return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function named(list) {
    return (list || []).map(function (c) { return Object.assign({}, c, { id: bytes(c.id) }); });
  }

  function ask(kind, options) {
    options.challenge = bytes(options.challenge);
    if (kind === "prove") {
      options.allowCredentials = named(options.allowCredentials);
      return navigator.credentials.get({ publicKey: options });
    }
    options.user.id = bytes(options.user.id);
    options.excludeCredentials = named(options.excludeCredentials);
    return navigator.credentials.create({ publicKey: options });
  }

  function answer(made) {
    var response = { clientDataJSON: text(made.response.clientDataJSON) };
    ["attestationObject", "authenticatorData", "signature", "userHandle"].forEach(function (field) {
      if (made.response[field]) response[field] = text(made.response[field]);
    });
    if (made.response.getTransports) response.transports = made.response.getTransports();
    return JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, response: response, clientExtensionResults: {} });
  }

  function fail(form, message) {
    var fault = form.querySelector("[data-fault]");
    fault.textContent = message;
    fault.hidden = false;
  }

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.dataset.passkey) return;
    event.preventDefault();
    if (!window.PublicKeyCredential) return fail(form, form.dataset.unsupported);
    fetch(form.dataset.begin, { method: "POST", headers: { Accept: "application/json" } }).then(function (res) {
      if (!res.ok) throw new Error(String(res.status));
      return res.json();
    }).then(function (begun) {
      if (begun.location) return location.assign(begun.location);
      return ask(form.dataset.passkey, begun.options).then(function (made) {
        form.elements.credential.value = answer(made);
        form.submit(); // past this listener
      });
    }).catch(function () { fail(form, form.dataset.failed); });
  });
})();
