import type { KeyPath } from './environment.ts';

/** Nested keys and values, as YAML gives them. */
export type Tree = Readonly<Record<string, unknown>>;

/** One value of the effective configuration. */
export interface Setting {
  readonly path: KeyPath;
  readonly value: unknown;
  /** `default`, the file's name, or the environment variable. */
  readonly origin: string;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** The tree below a key; empty when there is none. */
export function subtree(tree: Tree, key: string): Tree {
  const value = Object.hasOwn(tree, key) ? tree[key] : undefined;
  return isTree(value) ? value : {};
}

/** A copy of `tree` with `value` at `path`; what stood in its way is replaced. */
export function withValue(tree: Tree, path: KeyPath, value: unknown): Tree {
  const [key, ...rest] = path;
  if (key === undefined) return tree;
  return { ...tree, [key]: rest.length === 0 ? value : withValue(subtree(tree, key), rest, value) };
}

/** `given` with the defaults for what it leaves out; a key without a value counts as left out. */
export function withDefaults(given: unknown, defaults: unknown): unknown {
  if (given === undefined || given === null) return defaults;
  if (!isTree(given) || !isTree(defaults)) return given;
  const filled = Object.entries(defaults).map(
    ([key, value]) => [key, withDefaults(given[key], value)] as const,
  );
  return { ...withoutKeys(given, Object.keys(defaults)), ...Object.fromEntries(filled) };
}

/** A copy of `tree` without some keys. */
export function withoutKeys(tree: Tree, keys: readonly string[]): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([key]) => !keys.includes(key)));
}

/** The values at the ends of all branches, in order, with their paths. */
export function leaves(tree: unknown, path: KeyPath = []): readonly { path: KeyPath; value: unknown }[] {
  if (!isTree(tree)) return tree === undefined || tree === null ? [] : [{ path, value: tree }];
  return Object.entries(tree).flatMap(([key, value]) => leaves(value, [...path, key]));
}

/** The value at a path; `undefined` when there is none, or nothing is written there. */
export function valueAt(tree: Tree, path: KeyPath): unknown {
  let value: unknown = tree;
  for (const key of path) value = isTree(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value ?? undefined;
}
