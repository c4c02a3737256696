// Bundles what comes from npm into dist/: one ES module, one style sheet each. Our own modules need no build.
import { cpSync, mkdirSync } from "node:fs";
import { build } from "esbuild";

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
});
cpSync("node_modules/@picocss/pico/css/pico.grey.min.css", "dist/pico.css");
