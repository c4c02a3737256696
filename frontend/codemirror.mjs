// The one editor of the pages: YAML with its problems underlined, history, search; nothing else of CodeMirror is bundled.
export { EditorView, basicSetup } from "codemirror";
export { EditorState, Compartment } from "@codemirror/state";
export { keymap } from "@codemirror/view";
export { indentWithTab } from "@codemirror/commands";
export { yaml } from "@codemirror/lang-yaml";
export { linter, lintGutter } from "@codemirror/lint";
export { autocompletion } from "@codemirror/autocomplete";
