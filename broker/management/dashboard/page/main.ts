/** Where the page begins: the login, or what a user who is logged in sees. */

// before the chart library is loaded, which needs it
import "./locale.ts";
import { Api } from "./api.ts";
import { showLogin } from "./login.ts";
import { Shell } from "./shell.ts";
import { applyTheme } from "./theme.ts";

applyTheme();
const app = document.getElementById("app")!;
const api = new Api();
let shell: Shell | undefined;

api.onRefused = () => {
  if (!api.loggedIn) return;
  api.logOut();
  begin();
};
begin();

function begin(): void {
  shell?.close();
  shell = undefined;
  if (api.loggedIn) shell = new Shell(app, api, leave);
  else showLogin(app, api, begin);
}

function leave(): void {
  // what it still has to tidy up needs to be allowed
  shell?.close();
  api.logOut();
  begin();
}
