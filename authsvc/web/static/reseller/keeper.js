// The service worker of /check: keeps the page and its files, so that a signature can be checked without a connection.
//
// The page itself is asked for anew each time and taken from the store only when nothing comes in four seconds. Files
// have addresses that hold their hash, so the store is as good as the network. Nothing else passes through here.
"use strict";

const { always, ...asked } = self.KEPT; // What is asked for is what the browser lacks: a decoder, Ed25519.
const WAIT_MS = 4000;
const PAGE = "/check";
const IN_A_LANGUAGE = /^\/check\?lang=[a-z]{2}$/;
const STORE = `check-${hash(JSON.stringify(self.KEPT))}`;
const FILES = new Set([...always, ...Object.values(asked).flat()].filter((address) => address !== PAGE));

self.addEventListener("install", (event) => {
  event.waitUntil(keep(always).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const isOld = (name) => name.startsWith("check-") && name !== STORE && name !== "check-keys";
  const swept = caches.keys().then((names) => Promise.all(names.filter(isOld).map((name) => caches.delete(name))));
  event.waitUntil(swept.then(() => self.clients.claim()));
});

self.addEventListener("message", (event) => {
  const { data } = event;
  if (Object.hasOwn(asked, data)) event.waitUntil(keep(asked[data]));
  // Whoever has chosen a language on the page finds it again without a connection.
  else if (IN_A_LANGUAGE.test(data)) event.waitUntil(keep([data]));
});

self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== self.location.origin) return;
  if (mode === "navigate" && pathname === PAGE) event.respondWith(freshPage(event.request));
  else if (FILES.has(pathname)) event.respondWith(kept(pathname, event.request));
});

async function keep(addresses) {
  const store = await caches.open(STORE);
  const missing = [];
  for (const address of addresses) if (!(await store.match(address))) missing.push(address);
  await store.addAll(missing);
}

async function freshPage(request) {
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(WAIT_MS) });
    if (response.status < 500) return response;
  } catch {
    // No connection: the kept page has to do.
  }
  // Never a fresher page than its files: both are of the release that this worker was installed with.
  const store = await caches.open(STORE);
  const language = new URL(request.url).searchParams.get("lang");
  return (await store.match(`${PAGE}?lang=${language}`)) ?? (await store.match(PAGE)) ?? Response.error();
}

async function kept(pathname, request) {
  return (await (await caches.open(STORE)).match(pathname)) ?? fetch(request);
}

function hash(text) {
  let sum = 5381;
  for (const letter of text) sum = (sum * 33 + letter.codePointAt(0)) >>> 0;
  return sum.toString(36);
}
