// Bundles what comes from npm into dist/: one ES module, one style sheet each. Our own modules need no build.
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { build } from "esbuild";

// xterm.js writes style elements without a nonce, and style attributes, which the pages' policy refuses. Each is given the page's
// nonce, or set as the policy allows: through the element's own style. Fails where a version of it writes them otherwise.
const ALLOWED = [
  [/([\w.]+)\.createElement\("style"\)/g, 3, 'Object.assign($1.createElement("style"),{nonce:document.querySelector("script[nonce]")?.nonce??""})'],
  [/(\w+)\.setAttribute\("style",`\$\{\1\.getAttribute\("style"\)\|\|""\}\$\{(\w+)\};`\)/g, 1, "$1.style.cssText+=$2"],
];
const allowed = {
  name: "allowed",
  setup({ onLoad }) {
    onLoad({ filter: /@xterm\/xterm\/lib\/xterm\.mjs$/ }, ({ path }) => {
      let contents = readFileSync(path, "utf8");
      for (const [written, times, instead] of ALLOWED) {
        const found = contents.match(written)?.length ?? 0;
        if (found !== times) throw new Error(`${path}: ${written} is there ${found} times, not ${times}; adapt build.mjs to this version`);
        contents = contents.replace(written, instead);
      }
      if (/setAttribute\("style"|innerHTML\s*=/.test(contents)) throw new Error(`${path}: a style attribute or inner HTML is left; adapt build.mjs`);
      return { contents, loader: "js" };
    });
  },
};

mkdirSync("dist", { recursive: true });
await build({
  entryPoints: ["uplot.mjs", "codemirror.mjs", "xterm.mjs"],
  outdir: "dist",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  logLevel: "warning",
  plugins: [allowed],
});
cpSync("node_modules/@picocss/pico/css/pico.grey.min.css", "dist/pico.css");
