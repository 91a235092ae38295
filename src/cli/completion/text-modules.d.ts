/** Scripts for shells are embedded as text, which comes as a module's default export. */
declare module "*.bash" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: see above
  export default text;
}
declare module "*.zsh" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: see above
  export default text;
}
declare module "*.fish" {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: see above
  export default text;
}
