/** Scripts for shells are embedded as text. */
declare module "*.bash" {
  const text: string;

  export { text as default };
}
declare module "*.zsh" {
  const text: string;

  export { text as default };
}
declare module "*.fish" {
  const text: string;

  export { text as default };
}
