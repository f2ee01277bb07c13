// Checks a code without a connection: keeps the public keys of the service on the device, and shows what they say.
//
// The answer is about the signature only and says so, with the day of the keys. Keys older than a week decide nothing:
// one of them may have been revoked since.

const STORE = "check-keys";
const NAME = "/check/keys";
const WEEK_MS = 7 * 24 * 3600 * 1000;

let held = null; // Where the browser has no cache for us, the keys live as long as the page.

// Fetches keys and names of brands; returns what is held then, or null.
export async function refresh() {
  try {
    const [jwks, brands] = await Promise.all(["/.well-known/jwks.json", "/check/brands.json"].map(fetched));
    held = { at: Date.now(), jwks, brands };
    if (globalThis.caches) await (await caches.open(STORE)).put(NAME, Response.json(held));
  } catch {
    // Without a connection the keys that are there have to do.
  }
  return recent();
}

// Returns the keys of this device where they are recent enough to decide anything, else null.
export async function recent(now = Date.now()) {
  if (held === null && globalThis.caches) {
    const kept = await (await caches.open(STORE)).match(NAME);
    held = kept ? await kept.json() : null;
  }
  return held !== null && Math.abs(now - held.at) < WEEK_MS ? held : null;
}

// Says whether the service answers, in four seconds at most; navigator.onLine knows of cables only.
export async function hasConnection() {
  try {
    return (await fetch("/check", { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(4000) })).ok;
  } catch {
    return false;
  }
}

// Says whether a scanned text may be a code of a product; the service reads more than this and decides.
export function isCode(text) {
  return /^https?:\/\/[^?#]*\/0[01]\/[0-9]{8,18}(?:[/?#]|$)/i.test(text);
}

// Judges *text* and puts the answer into *place*.
export async function answer(place, text, addresses) {
  const keys = await recent();
  let found = { answer: "no-keys", brand: null };
  if (keys) {
    const { choose, verify } = await import(addresses.signature);
    found = await verify(text, keys.jwks, await choose(addresses.noble));
  }
  const shown = document.getElementById(`offline-${found.answer}`).content.cloneNode(true);
  const fill = (name, value) => shown.querySelectorAll(`[data-fill=${name}]`).forEach((one) => { one.textContent = value; });
  const brand = keys?.brands[found.brand];
  if (brand) fill("brand", brand);
  if (keys) fill("keys", word("keys", day(keys.at)));
  fill("code", text.split("?", 1)[0].slice(0, 80));
  place.replaceChildren(shown);
  place.hidden = false;
  place.focus();
  return found.answer;
}

export function day(at) {
  const language = document.documentElement.lang;
  // Days as the service writes them: 23 Nov 2026.
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
    dateStyle: "medium",
    timeStyle: "short",
    numberingSystem: "latn",
  }).format(at);
}

// Returns a sentence of the page, with the values put in where it has {}.
export function word(name, ...values) {
  const text = document.getElementById("words").content.querySelector(`[data-word=${name}]`).textContent;
  return text.replaceAll("{}", () => values.shift());
}

async function fetched(address) {
  const response = await fetch(address, { cache: "no-cache", signal: AbortSignal.timeout(8000) });
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}
