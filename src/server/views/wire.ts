/** A document of the API as Docker really sends it: where Go has an empty list or map, there is `null`. */
export type Wire<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends ReadonlyArray<infer Item>
    ? readonly Wire<Item>[]
    : { readonly [Key in keyof T]: Wire<T[Key]> | null };

export function unixSeconds(time: string | undefined): number {
  return time === undefined || time === "" ? 0 : Math.floor(Date.parse(time) / 1000);
}
