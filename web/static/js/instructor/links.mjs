// One-time links: copied one by one or all together, printed as slips.

import { byId } from "../dom.mjs";
import "../endpoints.mjs";
import { toast } from "../post.mjs";
import { t } from "../words.mjs";
import "./times.mjs";

const links = [...document.querySelectorAll("code.address")];

byId("copy-all").addEventListener("click", async () => {
  // A tab between name and link: a spreadsheet takes it as two columns.
  const text = links.map((link) => `${link.dataset.name}\t${link.textContent}`).join("\n");
  try {
    await navigator.clipboard.writeText(text);
    toast(t("copied_all", { number: links.length }));
  } catch {
    toast(t("copy_failed"), { failed: true });
  }
});
byId("print").addEventListener("click", () => print());
