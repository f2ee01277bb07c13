// Tells the service once that a person has this page before them, then makes the address safe to share.
//
// A page that is prerendered or opened in a background tab has been seen by nobody: it waits until it is shown. The
// address becomes that of the receipt even where there is nothing to confirm, so that a forwarded link or a reload
// is never counted as a check.
"use strict";
(() => {
  const { receipt, nonce } = document.querySelector("main").dataset;
  const address = "/s/" + receipt;
  // A language that the address has chosen stays chosen; nothing else of it may be shared.
  const lang = new URLSearchParams(location.search).get("lang");
  const chosen = lang && /^[a-z]{2}$/.test(lang) ? "?lang=" + lang : "";

  const show = () => {
    if (document.prerendering || document.visibilityState !== "visible") return;
    document.removeEventListener("visibilitychange", show);
    document.removeEventListener("prerenderingchange", show);
    if (nonce) {
      const body = new URLSearchParams({ nonce });
      // A confirmation that is lost only makes the check weigh less; the reader is not troubled with it.
      fetch(address + "/confirm", { method: "POST", body, keepalive: true, credentials: "same-origin" }).catch(() => {});
    }
    history.replaceState(null, "", address + chosen);
  };

  document.addEventListener("visibilitychange", show);
  document.addEventListener("prerenderingchange", show);
  show();
})();
