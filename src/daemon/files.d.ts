// biome-ignore-all lint/style/noDefaultExport: that is how the bundler gives the path of a file.
/** Files that the bundler embeds: the module is the path of the file. */
declare module "*/build/tug-exec" {
  const path: string;
  export default path;
}
declare module "*/build/hello" {
  const path: string;
  export default path;
}
