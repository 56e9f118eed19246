// What a case has at hand: a browser, a room of its own, an observer in it, and pages.

import { setTimeout as sleep } from "node:timers/promises";

import { Observer } from "./observer.mjs";

const PATIENCE = 30_000; // ms

export class Trial {
  static #rooms = 0;
  #home = null; // the window that stays
  observer;

  /** `lab` has the engine, its machine and its browser, and where the servers are. */
  constructor(lab) {
    Object.assign(this, lab);
    this.room = `${lab.engine}-${++Trial.#rooms}`;
  }

  async begin(server) {
    this.server = server;
    this.observer = await Observer.start(server.local, this.room);
    [this.#home] = await this.browser.windows();
  }

  /** One empty window is left. */
  async end() {
    await this.closeOthers(this.#home);
    await this.go("about:blank");
  }

  go(url) {
    return this.browser.command("go", { url });
  }

  /** The page of headcount, logged in. */
  async visit(name, url = this.server.url) {
    await this.go(`${url}/#${this.room}`);
    await this.isLive();
    await this.login(name);
    await this.observer.sees({ joined: [name] });
  }

  login(name) {
    return this.browser.run((name) => {
      document.querySelector("#name").value = name;
      document.querySelector("#form").requestSubmit();
    }, name);
  }

  /** One of pages/, which log in by themselves. */
  async visitOwn(page, name, url = this.server.url) {
    await this.go(`${url}/${page}.html#${this.room}:${name}`);
    await this.observer.sees({ joined: [name] });
  }

  /** The page of headcount in a tab that is not in front. */
  async visitHidden(name, url) {
    // WebKit opens it behind the others; the others need one that is opened in front of it.
    if (this.engine === "webkit") await this.tab();
    await this.visit(name, url);
    if (this.engine !== "webkit") await this.browser.run(() => void window.open("about:blank"));
    await this.shows(() => document.hidden);
    await sleep(1_000); // until it has said so
  }

  async tab() {
    const { handle } = await this.browser.command("open", { type: "tab" });
    await this.browser.switch(handle);
  }

  /** All windows but this one. When the first was closed. */
  async closeOthers(handle) {
    const at = Date.now();
    for (const other of await this.browser.windows()) {
      if (other === handle) continue;
      await this.browser.switch(other);
      await this.browser.command("close");
    }
    await this.browser.switch(handle);
    return at;
  }

  /** How long it takes until the page shows that somebody comes, in ms, who then goes again. */
  async isBack() {
    this.observer.send("login", "Zoe");
    await this.observer.sees({ joined: ["Zoe"] });
    const listed = () =>
      [...document.querySelectorAll("#names bdi")].some((name) => name.textContent === "Zoe");
    const ms = await this.shows(listed);
    this.observer.send("logout");
    await this.observer.sees({ left: ["Zoe"] });
    return ms;
  }

  /** What closes a tab makes of it. The next command is for the window that stays. */
  async closeTab() {
    const at = Date.now();
    await this.browser.command("close");
    await this.browser.switch(this.#home);
    return at;
  }

  /** The window that this opens. All further commands are for it. */
  async other(open) {
    const before = new Set(await this.browser.windows());
    await open();
    for (const until = Date.now() + PATIENCE; Date.now() < until; await sleep(20)) {
      const handle = (await this.browser.windows()).find((handle) => !before.has(handle));
      if (handle) return this.browser.switch(handle);
    }
    throw new Error("no window was opened");
  }

  /** A tab that has a copy of sessionStorage: if it can be told to, the browser's menu makes it. */
  async duplicate() {
    if (this.engine !== "firefox") {
      await this.other(() => this.browser.run(() => void window.open(location.href)));
      return "window.open, which copies sessionStorage";
    }
    await this.browser.command("context", { value: "chrome" });
    await this.browser.run(() => void gBrowser.duplicateTab(gBrowser.selectedTab));
    await this.browser.command("context", { value: "content" });
    return "duplicated";
  }

  isLive() {
    return this.shows(() => document.body?.dataset.state === "live");
  }

  isMe(name) {
    const isShown = (name) => document.querySelector("#names .me bdi")?.textContent === name;
    return this.shows(isShown, name);
  }

  /** Waits until this is so in the page; how long that took, in ms. */
  async shows(condition, ...args) {
    const from = Date.now();
    for (;;) {
      try {
        if (await this.browser.run(condition, ...args)) return Date.now() - from;
      } catch (error) {
        // A document that goes while it is asked is one that is not there yet.
        if (Date.now() - from > PATIENCE) throw error;
      }
      if (Date.now() - from > PATIENCE)
        throw new Error(`not so within ${PATIENCE} ms: ${condition}`);
      await sleep(20);
    }
  }
}
