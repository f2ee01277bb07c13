/* Progress: the part of a page that says how far something is, kept fresh. Without this file the page reloads itself. */
"use strict";
(() => {
  const look = async () => {
    const part = document.querySelector("[data-progress='']");
    if (!part) return;
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
      // Whoever is about to press a button keeps it.
      if (fresh && !part.contains(document.activeElement)) part.replaceWith(document.importNode(fresh, true));
    } catch {
      /* The server is away for a moment; the next look may find it. */
    }
    setTimeout(look, 2000);
  };
  setTimeout(look, 1000);
})();
