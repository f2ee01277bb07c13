/* Alerts: news without a reload, and single keys for those who want them. Every page does without this file. */
"use strict";
(() => {
  const page = document.getElementById("alert-pages");
  if (!page) return;

  /* News: the list stays where it is, so that nothing moves under the mouse; a bar says what has come. */
  const news = document.getElementById("news");
  if (page.dataset.stream && news && window.EventSource) {
    const known = new Set([...document.querySelectorAll("[data-alert]")].map((link) => link.dataset.alert));
    const fresh = new Set();
    const source = new EventSource(page.dataset.stream);
    source.addEventListener("alert", (event) => {
      if (known.has(event.data) || location.pathname.endsWith(event.data)) return;
      fresh.add(event.data);
      news.querySelector("p").textContent = fresh.size === 1 ? "1 new alert" : `${fresh.size} new alerts`;
      news.hidden = false;
    });
    addEventListener("pagehide", () => source.close());
  }

  if (page.dataset.keys !== "on") return;
  const links = [...page.querySelectorAll("a[data-alert]")];
  const step = (by) => {
    const at = links.indexOf(document.activeElement?.closest("tr")?.querySelector("a[data-alert]"));
    const to = links[at < 0 ? 0 : Math.min(Math.max(at + by, 0), links.length - 1)];
    to?.focus();
    to?.scrollIntoView({ block: "nearest" });
  };
  const here = () => document.activeElement?.closest("tr");
  const decide = () => {
    const link = here()?.querySelector("a[data-alert]");
    if (link) location.href = `${link.href}#decision`;
    const form = document.getElementById("decision");
    form?.querySelector("input[type=radio], textarea")?.focus();
  };
  const acts = {
    j: () => (links.length ? step(1) : document.querySelector("a[rel=next]")?.click()),
    k: () => (links.length ? step(-1) : document.querySelector("a[rel=prev]")?.click()),
    x: () => here()?.querySelector("input[type=checkbox]")?.click(),
    e: decide,
  };
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const act = acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });
})();
