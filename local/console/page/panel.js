import { element } from "./elements.js";

/**
 * The dialog in which whatever somebody has clicked opens. Escape and Close give the focus back to that; what is
 * opened from within can be left with Back.
 */
export class Panel {
  #dialog;
  #title;
  #body;
  #back;
  /** What is open, and what it was opened from. */
  #views = [];
  #leave = new AbortController();
  #update;

  constructor(dialog) {
    const part = (name) => dialog.querySelector(`#panel-${name}`);
    [this.#dialog, this.#title, this.#body, this.#back] = [dialog, part("title"), part("body"), part("back")];
    part("close").addEventListener("click", () => dialog.close());
    this.#back.addEventListener("click", () => {
      this.#views.pop();
      void this.#show();
    });
    dialog.addEventListener("click", ({ target }) => {
      if (target === dialog) dialog.close(); // outside of what it shows
    });
    dialog.addEventListener("close", () => {
      this.#leave.abort();
      this.#views = [];
      this.#update = undefined;
    });
  }

  /**
   * @param view fills `body`, and may return what is to be done with each later snapshot; `ask(path, asked)` brings JSON, or
   *   throws what the page is told
   */
  open(title, view) {
    this.#views.push({ title, view });
    if (!this.#dialog.open) this.#dialog.showModal();
    void this.#show();
  }

  /** Shows a new snapshot where what is open follows the run. */
  update(snapshot) {
    this.#update?.(snapshot);
  }

  async #show() {
    this.#leave.abort();
    this.#leave = new AbortController();
    const { signal } = this.#leave;
    const { title, view } = this.#views.at(-1);
    this.#update = undefined;
    this.#title.textContent = title;
    this.#back.hidden = this.#views.length < 2;
    const body = element("div", { className: "view" }, element("p", { className: "quiet" }, "Asking …"));
    this.#body.replaceChildren(body);
    this.#dialog.scrollTop = 0;
    this.#title.focus();
    const ask = (path, asked) => askFor(path, asked, signal);
    try {
      const update = await view({ body, ask });
      if (!signal.aborted) this.#update = update;
    } catch (error) {
      if (!signal.aborted) body.replaceChildren(element("p", { className: "bad" }, error.message));
    }
  }
}

/** @param asked what is posted, as JSON; nothing for GET */
async function askFor(path, asked, signal) {
  const posted = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(asked),
  };
  const response = await fetch(path, { ...(asked && posted), signal }).catch(() => {
    throw new Error(
      "The run has ended, or is out of reach. Its log and what it stored are where the terminal says.",
    );
  });
  if (response.ok) return response.json();
  const text = await response.text();
  throw new Error(response.headers.get("content-type")?.includes("json") ? JSON.parse(text).message : text);
}
