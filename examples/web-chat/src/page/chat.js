const one = (id) => document.getElementById(id);
const said = one("said"), text = one("text"), status = one("status");
let thread = null; // the thread that is shown
let opening = null; // the history that is awaited
let running = null; // what stops the turn that runs

// Text of the agent is only ever text: never innerHTML.
function element(name, className, words = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = words;
  return made;
}

async function call(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, options);
  if (!response.ok) throw new Error(await response.text());
  return response.headers.get("content-type")?.includes("json") ? response.json() : null;
}

const entries = new Map();

function entry(id, kind) {
  let found = entries.get(id);
  if (!found) {
    found = element("div", `entry ${kind}`);
    found.append(element("span", "text"), element("div", "output"));
    entries.set(id, found);
    said.append(found);
  }
  return found;
}

function show(item) {
  const shown = entry(item.id, item.kind);
  shown.querySelector(".text").textContent = item.text;
  shown.querySelector(".output").textContent = item.output ?? "";
}

function ask(question) {
  const box = element("div", "entry approval");
  const accept = element("button", "accept", "Allow"), refuse = element("button", "refuse", "Refuse");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "The agent asks");
  box.append(element("strong", "", "The agent wants to do this: "), element("code", "", question.what));
  if (question.reason) box.append(element("p", "", question.reason));
  box.append(accept, " ", refuse);
  for (const button of [accept, refuse]) {
    button.addEventListener("click", async () => {
      accept.disabled = refuse.disabled = true;
      try {
        await call(`/approvals/${question.id}`, { accept: button === accept });
        box.append(element("p", "", button === accept ? "Allowed" : "Refused"));
      } catch (error) {
        box.append(element("p", "problem", error.message));
      }
    });
  }
  said.append(box);
  refuse.focus();
}

const on = {
  delta(data) { entry(data.id, "agent").querySelector(".text").textContent += data.text; },
  item: show,
  approval: ask,
  retry(data) { status.textContent = data.text; },
  done(data) { status.textContent = data.status === "interrupted" ? "Stopped" : ""; },
  problem(data) { said.append(element("p", "entry problem", data.text)); },
};

// Server-sent events of a POST, which EventSource cannot send.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value;
    let end;
    while ((end = buffer.indexOf("\n\n")) >= 0) {
      const lines = buffer.slice(0, end).split("\n");
      buffer = buffer.slice(end + 2);
      const field = (name) => lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length).trim()).join("\n");
      if (field("event:")) yield [field("event:"), JSON.parse(field("data:"))];
    }
  }
}

async function say(words) {
  running = new AbortController();
  const { signal } = running;
  const aborted = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  aborted.catch(() => {}); // Told where it is awaited.
  let id = thread; // What is said is said here, whatever is opened meanwhile.
  one("send").hidden = true;
  one("stop").hidden = false;
  status.textContent = "The agent is at work";
  try {
    // Below what was said before.
    await Promise.race([opening, aborted]);
    if (!id) {
      ({ id } = await call("/threads", {}));
      signal.throwIfAborted();
      open(id, false);
    }
    const response = await fetch(`/threads/${id}/turns`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text: words }),
      signal,
    });
    if (!response.ok) throw new Error(await response.text());
    for await (const [name, data] of events(response)) {
      signal.throwIfAborted();
      const low = said.scrollHeight - said.scrollTop - said.clientHeight < 80;
      on[name]?.(data);
      if (low) said.scrollTop = said.scrollHeight;
    }
  } catch (error) {
    if (signal.aborted) status.textContent = "Stopped";
    else on.problem({ text: error.message });
  }
  if (status.textContent === "The agent is at work") status.textContent = "";
  running = null;
  one("send").hidden = false;
  one("stop").hidden = true;
  // Nobody waits for these any more.
  for (const button of said.querySelectorAll(".approval button")) button.disabled = true;
  text.focus();
  await list();
}

// Hanging up is what stops the turn.
const stop = () => running?.abort();

async function list() {
  const listed = await call("/threads");
  one("threads").replaceChildren(...listed.map(({ id, title }) => {
    const link = element("a", "", title || "(nothing was said yet)");
    link.href = `#${id}`;
    if (id === thread) link.setAttribute("aria-current", "true");
    const line = document.createElement("li");
    line.append(link);
    return line;
  }));
}

function open(id, isStored) {
  thread = id;
  entries.clear();
  said.replaceChildren();
  history.replaceState(null, "", id ? `#${id}` : "/");
  opening = isStored ? recall(id) : null;
}

// Shows what was said in a thread, unless another one is shown by then.
async function recall(id) {
  try {
    const items = await call(`/threads/${id}`);
    if (thread !== id) return;
    items.forEach(show);
    said.scrollTop = said.scrollHeight;
  } catch (error) {
    if (thread === id) on.problem({ text: error.message });
  }
}

one("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (!words || running) return;
  text.value = "";
  say(words);
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    one("form").requestSubmit();
  }
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") stop(); });
one("stop").addEventListener("click", stop);
one("new").addEventListener("click", () => { stop(); open(null, false); list(); text.focus(); });

const go = () => {
  const id = location.hash.slice(1);
  if (id && id !== thread) { stop(); open(id, true); }
  list().catch((error) => on.problem({ text: error.message }));
};
addEventListener("hashchange", go);
go();
