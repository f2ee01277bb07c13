// Adds to the page of resellers what needs a script: scanner, progress of a list, answers without a connection.

const main = document.querySelector("main");
const addresses = main.dataset;
const [offline, scanner] = await Promise.all([import(addresses.offline), import(addresses.scanner)]);
const { word } = offline;
const find = (id) => document.getElementById(id);
let stop = null;
let lastSaid = null;

// --- One code ---

find("one").addEventListener("submit", (event) => {
  event.preventDefault();
  check(find("code").value.trim());
});

async function check(text) {
  if (await offline.hasConnection()) {
    find("code").value = text;
    find("one").submit();
    return;
  }
  await offline.answer(find("answer"), text, addresses);
}

find("answer").addEventListener("click", (event) => {
  if (event.target.closest("[data-act=again]")) find("one").requestSubmit();
});

// --- Scanner ---

function say(text) {
  // The same sentence again is no news, and a reader of the screen would say it ten times a second.
  if (text === lastSaid) return;
  lastSaid = text;
  find("scan-note").hidden = !text;
  find("scan-note").querySelector("span").textContent = text;
}

function found(text) {
  if (!offline.isCode(text)) {
    say(word("other", text.slice(0, 60)));
    return false;
  }
  say("");
  find("code").value = text;
  check(text);
  return true;
}

function isWatching(is) {
  find("view").hidden = find("stop").hidden = !is;
  find("scan").hidden = is;
}

find("scanner").hidden = false;
find("no-script").hidden = true;
find("scan").addEventListener("click", async () => {
  say("");
  isWatching(true);
  try {
    stop = await scanner.watch(find("video"), addresses, (text) => {
      const isDone = found(text);
      if (isDone) isWatching(false);
      return isDone;
    });
  } catch (fault) {
    isWatching(false);
    say(word({ NotAllowedError: "denied", NotFoundError: "missing" }[fault.name] ?? "unusable"));
  }
});
find("stop").addEventListener("click", end);
document.addEventListener("visibilitychange", () => document.hidden && end());

function end() {
  stop?.();
  stop = null;
  isWatching(false);
}

find("pick").addEventListener("click", () => find("photo").click());
find("photo").addEventListener("change", async () => {
  const [file] = find("photo").files;
  find("photo").value = "";
  if (!file) return;
  say(word("looking"));
  try {
    const texts = await scanner.readPhoto(file, addresses);
    if (texts.length === 0) say(word("nothing"));
    else texts.some(found);
  } catch {
    say(word("unreadable"));
  }
});

// --- A list ---

find("list").addEventListener("submit", async (event) => {
  if (event.submitter?.value === "csv") return;
  event.preventDefault();
  find("check-list").disabled = true;
  try {
    await (await import(addresses.bulk)).check(find("list"), word);
  } finally {
    find("check-list").disabled = false;
  }
});

// --- Without a connection ---

async function prepare() {
  const keys = await offline.refresh();
  if (!navigator.serviceWorker || !keys) return;
  const registration = await navigator.serviceWorker.register("/check/keeper.js", { scope: "/check" });
  await navigator.serviceWorker.ready;
  const { choose, webcrypto } = await import(addresses.signature);
  if (!(await scanner.isNative())) registration.active?.postMessage("decoder");
  if ((await choose(addresses.noble)) !== webcrypto) registration.active?.postMessage("noble");
  const language = new URLSearchParams(location.search).get("lang");
  if (language) registration.active?.postMessage(`/check?lang=${language}`);
  find("ready").querySelector("span").textContent = word("ready", offline.day(keys.at));
  find("ready").hidden = false;
}

prepare().catch(() => {}); // The page works without; it only cannot work offline.
