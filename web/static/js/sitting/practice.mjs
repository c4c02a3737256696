// Practice attacks: launched by a button each.

import { byId, say } from "../dom.mjs";
import { send } from "../post.mjs";
import { page, t } from "../words.mjs";
import { refresh } from "./work.mjs";

const AGAIN_MS = 5000;

async function launch(button) {
  button.disabled = true;
  say(byId("practice-said"), t("attack_begins"));
  const { ok, result, error } = await send(page.urls.practice.replace("ATTACK", button.dataset.attack));
  say(byId("practice-said"), ok ? result : t("refused", { reason: error }));
  setTimeout(() => (button.disabled = false), AGAIN_MS);
  refresh();
}

for (const button of document.querySelectorAll(".practice-attack")) button.addEventListener("click", () => launch(button));
