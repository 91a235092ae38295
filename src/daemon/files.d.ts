/** Files that the bundler embeds: the module is the path of the file. */
declare module "*/build/tug-exec" {
  const path: string;
  export default path;
}
declare module "*/build/hello" {
  const path: string;
  export default path;
}
