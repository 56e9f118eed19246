// The example of docs/app.md, served by the real server: two tabs see each other.

import assert from "node:assert/strict";

import { Server, check, finish, here, open } from "./harness.mjs";

const server = await Server.start("--www", here("../../../examples/app"));
const names = (page) => page.locator("#names li").allTextContents();
const sees = (page, name) =>
  page.locator("#names li").getByText(name, { exact: true }).waitFor();
const join = async (page, name) => {
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Join" }).click();
};
let ada;
let bob;

await check("example: two tabs see each other", async () => {
  ada = await open(server.url);
  bob = await open(server.url);
  await join(ada, "Ada");
  await join(bob, "Bob <b>");
  for (const page of [ada, bob]) {
    await sees(page, "Ada");
    await sees(page, "Bob <b>");
    await page.locator("#count").getByText("2", { exact: true }).waitFor();
  }
});

await check("example: a refusal is shown, and the name stays", async () => {
  await join(ada, "x".repeat(33));
  await ada.getByRole("alert").getByText("too long").waitFor();
  assert.deepEqual(await names(bob), ["Ada", "Bob <b>"]);
});

await check("example: a page of Socket.IO is on the same list", async () => {
  const eve = await open(`${server.url}/socketio.html`);
  await join(eve, "Eve & co.");
  for (const page of [ada, bob, eve]) await sees(page, "Eve & co.");
  assert.deepEqual(await names(eve), ["Ada", "Bob <b>", "Eve & co."]);
  await eve.context().close();
});

await check("example: names leave with a button, or with their page", async () => {
  await ada.getByRole("button", { name: "Leave" }).click();
  await bob.locator("#names li").getByText("Ada").waitFor({ state: "detached" });
  await bob.context().close();
  await ada.locator("#count").getByText("0", { exact: true }).waitFor();
  assert.deepEqual(await names(ada), []);
});

await finish();
await server.kill();
