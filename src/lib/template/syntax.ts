/** The parts of a parsed template, after Go's text/template. */

/** Where a part stands, for messages. */
export interface Position {
  readonly line: number;
  /** Counted from 0 in its line. */
  readonly column: number;
  /** The part as it was written. */
  readonly source: string;
}

export type Expression = Position &
  (
    | { readonly kind: "literal"; readonly value: string | number | boolean | null }
    /** `.`, or `.A.B` of the dot. */
    | { readonly kind: "field"; readonly path: readonly string[] }
    /** `$`, `$x` or `$x.A`. */
    | { readonly kind: "variable"; readonly name: string; readonly path: readonly string[] }
    /** `(pipeline).A`. */
    | { readonly kind: "group"; readonly pipeline: Pipeline; readonly path: readonly string[] }
    | { readonly kind: "function"; readonly name: string }
  );

/** A function, method or value with its arguments. */
export interface Call extends Position {
  readonly operands: readonly Expression[];
}

export interface Pipeline extends Position {
  /** Variables that take the value; two only in `range $i, $v := …`. */
  readonly variables: readonly string[];
  readonly isAssignment: boolean;
  readonly calls: readonly Call[];
}

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipeline: Pipeline }
  | Branch
  | { readonly kind: "template"; readonly name: string; readonly pipeline: Pipeline | undefined; readonly at: Position }
  | { readonly kind: "break" }
  | { readonly kind: "continue" };

export interface Branch {
  readonly kind: "if" | "with" | "range";
  readonly pipeline: Pipeline;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

export interface Template {
  readonly name: string;
  readonly body: readonly Node[];
  /** Of `{{define "name"}}`. */
  readonly definitions: ReadonlyMap<string, readonly Node[]>;
}
