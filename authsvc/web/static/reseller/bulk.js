// Checks a list in parts, with progress. The service reads the list, so that there is one reader of lists.
//
// What was answered stays on the page when the connection is lost in the middle.

const PART = 50;
const PATIENCE = 3;
const SHOWN = 60;
const LINK = /^(?:https?:\/\/|\/0)/i;
const LANGUAGE = document.documentElement.lang;
const REGION = LANGUAGE === "en" ? "en-GB" : LANGUAGE; // Days as the service writes them: 23 Nov 2026.
const NOT_READ = { reason: "unread", notices: [] };

const find = (id) => document.getElementById(id);

// Reads the form, asks in parts, and shows rows as they come. *word* returns the sentences of the page.
export async function check(form, word) {
  const [listed, progress, bar, problem] = ["listed", "progress", "bar", "list-problem"].map(find);
  find("rows").replaceChildren();
  listed.hidden = problem.hidden = true;
  progress.hidden = false;
  bar.removeAttribute("value");
  find("progress-text").textContent = word("reading");
  const counts = new Map();
  let done = 0;
  try {
    const { codes, repeats } = await asked("/check/list", { body: new FormData(form) });
    listed.hidden = false;
    document.body.classList.add("wide");
    bar.max = codes.length;
    for (let at = 0; at < codes.length; at += PART) {
      const part = codes.slice(at, at + PART);
      const body = JSON.stringify({ uris: part });
      const { results } = await asked(`/api/v1/verify/bulk?lang=${LANGUAGE}`, { body, headers: { "Content-Type": "application/json" } });
      results.forEach((result, place) => {
        const found = result.error ? { ...NOT_READ, title: word("unread"), detail: result.error.detail } : result;
        const short = shortOf(found, !LINK.test(part[place]));
        counts.set(short.textContent, (counts.get(short.textContent) ?? 0) + 1);
        find("rows").append(row(at + place + 1, part[place], found, short, repeats[at + place + 1], word));
      });
      done = at + part.length;
      bar.value = done;
      find("progress-text").textContent = word("progress", number(done), number(codes.length));
      summarise(counts);
    }
    const again = Object.keys(repeats).length;
    find("repeated").hidden = again === 0;
    find("repeated").querySelector("span").textContent = word("repeated", number(again));
    progress.hidden = true;
    listed.focus();
  } catch (fault) {
    progress.hidden = true;
    problem.hidden = false;
    problem.querySelector("span").textContent = fault.detail ?? word("lost", number(done));
  }
}

// Sends one request; waits where the service says that it is too much at once.
async function asked(address, options) {
  for (let attempt = 1; ; attempt++) {
    const headers = { Accept: "application/json", ...options.headers };
    const response = await fetch(address, { method: "POST", ...options, headers });
    if (response.ok) return response.json();
    if (response.status !== 429 || attempt === PATIENCE) throw await response.json();
    const seconds = Number(response.headers.get("Retry-After")) || 5;
    await new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
  }
}

function row(line, code, document_, short, sameAs, word) {
  const made = document.createElement("tr");
  made.dataset.tone = short.dataset.tone;
  const { item, lot } = document_;
  const shown = item?.serial ?? item?.sscc ?? item?.gtin ?? lot?.lot ?? code;
  const first = document_.item?.first_checked_at;
  const answer = [
    ["b", short.textContent, "say"],
    ["span", document_.title],
    ["span", document_.detail],
    ...document_.notices.map((notice) => ["span", notice.title]),
    ["span", document_.item?.owners ? word("owners", number(document_.item.owners)) : null],
    ["span", document_.item?.warranty ? word("warranty", day(document_.item.warranty.until)) : null],
    ["span", document_.item?.in_transfer ? word("offered") : null],
    ["span", sameAs ? word("same", sameAs) : null],
  ];
  const cut = shown.length > SHOWN ? `${shown.slice(0, SHOWN)}…` : shown;
  made.append(
    cell("th", word("line"), [["span", String(line)]]),
    cell("td", word("code"), [["bdi", cut, "mono"], ["span", document_.product?.name]]),
    cell("td", word("answer"), answer),
    cell("td", word("first"), [["span", first ? month(first) : "–"]]),
  );
  return made;
}

function cell(tag, label, parts) {
  const made = document.createElement(tag);
  if (tag === "th") made.scope = "row";
  made.dataset.label = label;
  for (const [name, text, kind] of parts.filter(([, text]) => text)) {
    const part = document.createElement(name);
    part.textContent = text;
    if (kind) part.className = kind;
    if (name === "bdi") part.dir = "ltr";
    made.append(part);
  }
  return made;
}

function summarise(counts) {
  const kinds = new Map([...find("shorts").content.querySelectorAll("span")].map((one) => [one.textContent, one]));
  const items = [...kinds.values()]
    .filter((one) => counts.has(one.textContent))
    .map((one) => {
      const item = document.createElement("li");
      const count = document.createElement("b");
      item.dataset.tone = one.dataset.tone;
      count.textContent = number(counts.get(one.textContent));
      item.append(count, " ", one.textContent);
      return item;
    });
  find("summary").replaceChildren(...items);
}

// Returns tone and short word of an answer, those of its own page: as core/short_words.py chooses them.
function shortOf(answer, isTyped) {
  let key = answer.reason;
  if (key === "unavailable" && answer.signature.valid) key = "signed";
  // A typed number has no seal to lack, so it is no warning.
  else if (answer.outcome === "informational" || (isTyped && key === "unsigned")) key = "informational";
  return find("shorts").content.querySelector(`[data-key=${key}]`);
}

function month(text) {
  const form = { month: "long", year: "numeric", timeZone: "UTC", numberingSystem: "latn" };
  return new Intl.DateTimeFormat(LANGUAGE, form).format(new Date(text));
}

function day(text) {
  const form = { dateStyle: "medium", timeZone: "UTC", numberingSystem: "latn" };
  return new Intl.DateTimeFormat(REGION, form).format(new Date(text));
}

function number(value) {
  return value.toLocaleString(LANGUAGE, { numberingSystem: "latn" });
}
