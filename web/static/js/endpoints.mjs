// Copying a ready command.

import { byId } from "./dom.mjs";
import { toast } from "./post.mjs";
import { t } from "./words.mjs";

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const code = byId(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(code.textContent);
      toast(t("copied"));
    } catch {
      getSelection().selectAllChildren(code);
      toast(t("copy_failed"), { failed: true });
    }
  });
}
