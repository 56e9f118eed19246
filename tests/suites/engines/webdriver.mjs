// A browser as WebDriver has it (W3C), over HTTP or over Marionette: as much as the cases need.

import { request } from "node:http";

const PATIENCE = 30_000; // ms; for one command

// What each command is called over HTTP, and over Marionette.
const COMMANDS = {
  start: { method: "POST", path: "", marionette: "WebDriver:NewSession" },
  go: { method: "POST", path: "/url", marionette: "WebDriver:Navigate" },
  reload: { method: "POST", path: "/refresh", marionette: "WebDriver:Refresh" },
  back: { method: "POST", path: "/back", marionette: "WebDriver:Back" },
  run: { method: "POST", path: "/execute/sync", marionette: "WebDriver:ExecuteScript" },
  windows: { method: "GET", path: "/window/handles", marionette: "WebDriver:GetWindowHandles" },
  window: { method: "GET", path: "/window", marionette: "WebDriver:GetWindowHandle" },
  open: { method: "POST", path: "/window/new", marionette: "WebDriver:NewWindow" },
  switch: { method: "POST", path: "/window", marionette: "WebDriver:SwitchToWindow" },
  close: { method: "DELETE", path: "/window", marionette: "WebDriver:CloseWindow" },
  context: { marionette: "Marionette:SetContext" },
  cdp: { method: "POST", path: "/goog/cdp/execute" },
};

export class Browser {
  #transport;

  constructor(transport) {
    this.#transport = transport;
  }

  async start(alwaysMatch) {
    const own = this.#transport instanceof Http ? { capabilities: { alwaysMatch } } : alwaysMatch;
    const { sessionId, capabilities } = await this.command("start", own);
    this.#transport.session = sessionId;
    return capabilities;
  }

  command(name, parameters = {}) {
    return this.#transport.command(COMMANDS[name], parameters);
  }

  /** What a function makes of these arguments, in the page. */
  run(f, ...args) {
    return this.command("run", { script: `return (${f}).apply(null, arguments)`, args });
  }

  windows() {
    return this.command("windows");
  }

  /** All further commands are for this window, which stays where it is: in front or not. */
  switch(handle) {
    return this.command("switch", { handle, focus: false });
  }
}

export class Http {
  session;
  #socketPath;

  /** Once a driver answers there. */
  static async connect(socketPath) {
    const http = new this();
    http.#socketPath = socketPath;
    await http.#request("GET", "/status");
    return http;
  }

  command({ method, path }, parameters) {
    const session = this.session ? `/session/${this.session}` : "/session";
    return this.#request(method, session + path, method === "POST" ? parameters : undefined);
  }

  #request(method, path, body) {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? "" : JSON.stringify(body);
      const length = body === undefined ? {} : { "content-length": Buffer.byteLength(text) };
      const headers = { host: "localhost", "content-type": "application/json", ...length };
      const options = { socketPath: this.#socketPath, method, path, headers, timeout: PATIENCE };
      const sent = request(options, async (response) => {
        try {
          const parts = await response.setEncoding("utf8").toArray();
          const { value } = JSON.parse(parts.join(""));
          if (value?.error) reject(new Error(`${value.error}: ${value.message}`));
          else resolve(value);
        } catch (error) {
          reject(error);
        }
      });
      sent.on("timeout", () => sent.destroy(new Error(`no answer to ${method} ${path}`)));
      sent.on("error", reject);
      sent.end(text);
    });
  }
}
