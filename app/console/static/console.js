// The console's own script. Every page works without it; it only saves clicks. It evaluates nothing from the page.
const policy = globalThis.trustedTypes?.createPolicy("propriety", { createHTML: (text) => text });
const parsed = (text) => new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = (selector, root = document) => root.querySelector(selector);
const root = document.documentElement;

function say(text) {
  const place = one("#announce");
  if (place && place.textContent !== text) place.textContent = text;
}

// Fragments: the newest question wins; an older answer never overwrites it.
const asking = new Map();

async function ask(name, url, options = {}) {
  asking.get(name)?.abort();
  const control = new AbortController();
  asking.set(name, control);
  try {
    const answer = await fetch(url, {
      ...options, signal: control.signal, headers: { "X-Fragment": name, ...options.headers },
    });
    const text = await answer.text();
    return asking.get(name) === control ? { status: answer.status, text } : null;
  } catch (error) {
    if (error.name === "AbortError") return null;
    return { status: 0, text: "" };
  }
}

// Every element of the answer that has an id takes the place of the one with that id; focus and caret stay.
function swap(text) {
  const active = document.activeElement;
  const kept = active?.id && { id: active.id, start: active.selectionStart, end: active.selectionEnd };
  for (const fresh of all("body > [id]", parsed(text))) {
    one(`#${CSS.escape(fresh.id)}`)?.replaceWith(document.adoptNode(fresh));
  }
  if (!kept || document.activeElement?.id === kept.id) return;
  const again = one(`#${CSS.escape(kept.id)}`);
  again?.focus({ preventScroll: true });
  if (kept.start !== null && kept.start !== undefined && again?.setSelectionRange) {
    try { again.setSelectionRange(kept.start, kept.end); } catch { /* this kind of field has no caret */ }
  }
}

function debounced(wait, work) {
  let timer;
  return (...given) => { clearTimeout(timer); timer = setTimeout(() => work(...given), wait); };
}

// The queue: j and k move, the pane follows when the selection rests.
const cases = all(".queue a.case");

const showPane = debounced(120, async (link) => {
  const answer = await ask("pane", link.dataset.pane);
  const pane = one("#pane");
  if (!answer || !pane) return;
  if (answer.status === 200) pane.replaceChildren(...[...parsed(answer.text).body.childNodes].map((node) => document.adoptNode(node)));
  else say("The preview could not be loaded.");
});

function current() {
  return cases.findIndex((link) => link.closest("tr").hasAttribute("aria-current"));
}

function select(link, focus = true) {
  for (const row of all(".queue tr[aria-current]")) row.removeAttribute("aria-current");
  const row = link.closest("tr");
  row.setAttribute("aria-current", "true");
  if (focus) link.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  showPane(link);
}

for (const link of cases) link.addEventListener("focus", () => { if (cases[current()] !== link) select(link, false); });

let lastTicked = -1;
const ticks = () => all('.queue tbody input[type="checkbox"]');

function tick(index, on, range) {
  const boxes = ticks();
  const first = range && lastTicked >= 0 ? Math.min(lastTicked, index) : index;
  const last = range && lastTicked >= 0 ? Math.max(lastTicked, index) : index;
  for (let place = first; place <= last; place += 1) boxes[place].checked = on;
  lastTicked = index;
  countTicked();
}

function countTicked() {
  const many = ticks().filter((box) => box.checked).length;
  const place = one("[data-selected]");
  if (place) place.textContent = `${many} selected`;
}

one(".queue")?.addEventListener("click", (event) => {
  const box = event.target.closest('tbody input[type="checkbox"]');
  if (box) tick(ticks().indexOf(box), box.checked, event.shiftKey);
});
one("[data-select-all]")?.addEventListener("change", (event) => {
  for (const box of ticks()) box.checked = event.target.checked;
  countTicked();
});

// Keys: never in a field, never with a modifier, never while a dialog is open; they can be switched off.
let went = 0;

function move(step) {
  const link = cases[current() + step];
  if (link) select(link);
  return Boolean(link);
}

function act(key) {
  const target = one(`[data-key="${key}"]`, one("#pane-body") ?? document) ?? one(`[data-key="${key}"]`);
  target?.click();
  return Boolean(target);
}

const KEYS = {
  j: () => (cases.length ? move(1) : act("j")),
  k: () => (cases.length ? move(-1) : act("k")),
  Enter: () => { if (!cases.length || document.activeElement !== document.body) return false; cases[current()]?.click(); return true; },
  Escape: () => { if (!location.pathname.startsWith("/console/cases/")) return false; location.assign("/console/queue"); return true; },
  x: () => { const at = current(); if (at < 0) return false; tick(at, !ticks()[at].checked, false); return true; },
  X: () => { const at = current(); if (at < 0) return false; tick(at, true, true); return true; },
  "/": () => { const field = one('input[type="search"]'); field?.focus(); return Boolean(field); },
  "?": () => { one("#keys-dialog")?.showModal(); return true; },
  g: () => { went = Date.now(); return true; },
};

document.addEventListener("keydown", (event) => {
  if (root.dataset.keys === "off" || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, dialog, [role=combobox]")) return;
  if (one("dialog[open]")) return;
  if (Date.now() - went < 1000 && event.key === "q") { location.assign("/console/queue"); event.preventDefault(); return; }
  const done = KEYS[event.key] ? KEYS[event.key]() : "awreqd".includes(event.key) && event.key.length === 1 && act(event.key);
  if (done) event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys-help]")) { event.preventDefault(); one("#keys-dialog")?.showModal(); }
  if (event.target.closest("[data-print]")) print();
  for (const open of all("details.pop[open]")) if (!open.contains(event.target)) open.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const open of all("details.pop[open]")) { open.open = false; one("summary", open)?.focus(); }
  const form = event.target.closest?.("form[data-submit-keys]");
  if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

// Forms: sent once; the button says so when it takes longer.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  setTimeout(() => { for (const button of all("button", form)) button.setAttribute("aria-disabled", "true"); }, 150);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
  for (const form of all("form[data-sent]")) delete form.dataset.sent;
});
one("[data-focus]")?.focus();

// Theme: the next one at once, remembered by the server.
one("[data-theme-toggle]")?.closest("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const dark = root.dataset.theme === "dark" || (root.dataset.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "light" : "dark";
  say(dark ? "Light theme" : "Dark theme");
  delete event.target.dataset.sent;
  fetch("/console/me/theme", { method: "POST", redirect: "manual", body: new URLSearchParams({ theme: root.dataset.theme }) });
});

// Fresh data: looked for often while somebody is here, seldom later, never in a hidden tab.
const fresh = one("#fresh");
if (fresh) {
  let looks = 0;
  const look = async () => {
    if (document.hidden) return;
    const answer = await ask("count", fresh.dataset.countUrl);
    if (answer?.status !== 200) return;
    const more = JSON.parse(answer.text).open - Number(fresh.dataset.count);
    if (more > 0) {
      const link = document.createElement("a");
      link.href = location.href;
      link.textContent = more === 1 ? "1 new case. Show it" : `${more} new cases. Show them`;
      fresh.replaceChildren(link);
      say(link.textContent);
    }
  };
  const next = () => setTimeout(async () => { looks += 1; await look(); next(); }, looks < 20 ? 3000 : 60000);
  next();
  for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, () => { looks = 0; }, { passive: true });
}

// People of an entry come and go without leaving the page.
document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-add]");
  const remove = event.target.closest("[data-remove]");
  const people = one("#people");
  if (!people || (!add && !remove)) return;
  event.preventDefault();
  if (add) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "person", value: add.dataset.add });
    people.append(field);
    const search = one("#find");
    search.value = "";
    search.focus();
  } else {
    remove.closest("tr").remove();
    one("#find").focus();
  }
  people.closest("form").dispatchEvent(new Event("input", { bubbles: true }));
});

// Live answers: a form with data-live is asked again while somebody types.
for (const form of all("form[data-live]")) {
  const check = debounced(300, async () => {
    form.setAttribute("aria-busy", "true");
    const answer = await ask("live", form.dataset.live, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (!answer) return;
    form.removeAttribute("aria-busy");
    if (answer.status === 200) {
      swap(answer.text);
      one("[data-live-failed]")?.setAttribute("hidden", "");
      say(one("[data-verdict]")?.dataset.verdict ?? "");
    } else {
      const place = one("[data-live-failed]");
      if (place) place.hidden = false;
    }
  });
  form.addEventListener("input", (event) => { if (!event.target.closest("[data-quiet]")) check(); });
}

// Combobox: a field with data-options asks for a list and moves in it by arrow keys.
for (const field of all("[data-options]")) {
  const list = one(`#${field.getAttribute("aria-controls")}`);
  let at = -1;
  const options = () => all('[role="option"]', list);
  const close = () => { list.hidden = true; field.setAttribute("aria-expanded", "false"); field.removeAttribute("aria-activedescendant"); at = -1; };
  const mark = (place) => {
    const found = options();
    if (!found.length) return;
    at = (place + found.length) % found.length;
    found.forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
    field.setAttribute("aria-activedescendant", found[at].id);
    found[at].scrollIntoView({ block: "nearest" });
  };
  const choose = (option) => {
    const button = option && one("[data-add]", option);
    close();
    button?.click();
  };
  const load = debounced(150, async () => {
    if (field.value.trim().length < 2) { close(); return; }
    const answer = await ask("options", `${field.dataset.options}?q=${encodeURIComponent(field.value.trim())}`);
    if (!answer || answer.status !== 200) return;
    list.replaceChildren(...[...parsed(answer.text).body.children].map((node) => document.adoptNode(node)));
    list.hidden = !options().length;
    field.setAttribute("aria-expanded", String(!list.hidden));
    say(`${options().length} found`);
    at = -1;
  });
  field.addEventListener("input", load);
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && !list.hidden) { mark(at + 1); event.preventDefault(); }
    else if (event.key === "ArrowUp" && !list.hidden) { mark(at - 1); event.preventDefault(); }
    else if (event.key === "Escape" && !list.hidden) { close(); event.preventDefault(); }
    else if (event.key === "Enter" && !list.hidden) { event.preventDefault(); choose(options()[Math.max(at, 0)]); }
  });
  list.addEventListener("click", (event) => { if (!event.target.closest("[data-add]")) choose(event.target.closest('[role="option"]')); });
}
