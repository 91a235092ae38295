/** Go's text/template with the functions that Docker's tools add, and Go's quoting. */
export {
  Computed,
  type EvaluateOptions,
  type Evaluation,
  evaluateTemplate,
  type TemplateFunction,
} from "./evaluate.ts";
export { headFunctions, templateFunctions } from "./functions.ts";
export { parseTemplate } from "./parse.ts";
export { isMap } from "./print.ts";
export { quote } from "./quote.ts";
export type { Template } from "./syntax.ts";
