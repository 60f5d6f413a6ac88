// Theme without reload, hotkeys, swap of results, unsaved-changes warning, copy. Every page works
// without this file; anything else to be put here needs a decision record first.

const policy = window.trustedTypes
  ? window.trustedTypes.createPolicy("counterfoil", { createHTML: (html) => html })
  : { createHTML: (html) => html };

/** Parses a page of this very site; scripts in it do not run. */
const parsePage = (html) =>
  new DOMParser().parseFromString(policy.createHTML(html), "text/html");

const isTyping = (element) =>
  element.closest("input, select, textarea, [contenteditable]") !== null;

// Theme: the form still posts, so that the server knows; the page changes at once.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!(button instanceof HTMLButtonElement) || button.name !== "theme") return;
  event.preventDefault();
  const form = event.target;
  const fields = new URLSearchParams(new FormData(form, button));
  document.documentElement.dataset.theme = button.value;
  for (const other of form.querySelectorAll("button[name=theme]")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
  fetch(form.action, { method: "POST", body: fields, redirect: "manual" });
});

// Hotkeys: "/" finds, "?" lists the keys, "g" and a letter goes to a page. Single keys can be
// switched off on the page that lists them.
let goesNext = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.documentElement.dataset.keys === "off") return;
  if (goesNext) {
    goesNext = false;
    const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    if (link) {
      event.preventDefault();
      link.click();
    }
    return;
  }
  if (event.key === "g") goesNext = true;
  if (event.key === "/") {
    event.preventDefault();
    const field = document.querySelector("[data-find]");
    if (field && field.offsetParent) field.focus();
    else document.querySelector("[data-find-link]")?.click();
  }
  if (event.key === "?") document.querySelector("[data-keys-link]")?.click();
});

// Swap: a filter form changes only the results beside it; focus stays where it is, the count is
// announced, and an answer that was overtaken is dropped.
let running = null;
const swap = async (url, target) => {
  running?.abort();
  running = new AbortController();
  target.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, { signal: running.signal });
    const next = parsePage(await answer.text()).getElementById(target.id);
    if (!answer.ok || !next) {
      window.location.assign(url);
      return;
    }
    target.replaceChildren(...document.importNode(next, true).childNodes);
    history.pushState(null, "", url);
    const count = target.querySelector("[data-count]");
    const voice = document.getElementById("voice");
    if (count && voice) voice.textContent = count.textContent;
  } catch (problem) {
    if (problem.name !== "AbortError") window.location.assign(url);
  } finally {
    target.removeAttribute("aria-busy");
  }
};
document.addEventListener("submit", (event) => {
  const form = event.target;
  const target = document.getElementById(form.dataset.swap ?? "");
  if (!target || form.method !== "get") return;
  event.preventDefault();
  const url = new URL(form.action);
  url.search = "";
  for (const [name, value] of new FormData(form)) {
    if (value) url.searchParams.append(name, value);
  }
  swap(url.href, target);
});
window.addEventListener("popstate", () => {
  if (document.querySelector("form[data-swap]")) window.location.reload();
});

// A form that was changed and not sent asks before the page goes.
let unsaved = false;
document.addEventListener("input", (event) => {
  if (event.target.form?.dataset.guard !== undefined) unsaved = true;
});
document.addEventListener("submit", () => {
  unsaved = false;
});
window.addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});

// Copy: the button says what became of it.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  const voice = document.getElementById("voice");
  if (voice) voice.textContent = button.dataset.done;
});
for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
